"""Variants: reading them from VCF, BCF and tables, their allele windows, their keys and groups."""
