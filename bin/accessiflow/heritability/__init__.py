"""Stratified LD score regression: annotations, LD scores, checks and summaries around the real ldsc programs."""
