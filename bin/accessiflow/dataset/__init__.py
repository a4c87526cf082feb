"""Datasets in the layout of Basenji, of the fork that Kathail et al. 2024 used: windows, targets, training sets."""
