"""Variants: reading them, their allele windows, their scores, and the files that hold these."""
