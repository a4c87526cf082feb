"""Prediction: batched, by any engine or adapter, averaged over strands and shifts."""
