"""Losses of training: value by value (pointwise.py), and of the differences between tracks (across_tracks.py)."""
