"""Signals: bigWig, BAM, fragments and bedGraph -> coverage of fixed-width bins."""
