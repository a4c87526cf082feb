"""Interpretation: in-silico saturation mutagenesis (ISM), logos and per-base tracks."""
