"""Studies of known truth: a genome with planted motif grammar, its accessibility, genotypes and traits.

compare.py sets a pipeline's results against that truth.
"""
