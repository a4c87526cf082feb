"""Studies of known truth: a genome with planted motif grammar, its accessibility, genotypes, traits, and the comparison of results with it."""
