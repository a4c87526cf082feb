"""The report: one self-contained page from the result tables. It reads and shows; it computes no result."""
