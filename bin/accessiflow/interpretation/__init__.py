"""Interpretation: in-silico saturation mutagenesis, logos and per-base tracks."""
