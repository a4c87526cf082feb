"""Peaks: calling, the peaks x tracks matrix, specificity, tissue sets."""
