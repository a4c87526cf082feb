"""Inference: batched prediction, ensembles over strands and shifts."""
