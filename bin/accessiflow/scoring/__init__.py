"""Scoring: SNP accessibility differences and other effects of variants, in files that the analyses look up."""
