"""Basenji-compatible datasets: windows, targets, training sets and TFRecords (spec: the fork that Kathail et al. 2024 used)."""
