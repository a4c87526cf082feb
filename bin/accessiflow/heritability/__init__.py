"""Stratified LD score regression: annotations, LD scores, consistency checks and summaries around the real ldsc programs."""
