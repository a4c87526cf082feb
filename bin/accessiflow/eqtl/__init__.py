"""How well variant scores classify fine-mapped eQTLs, and the direction of their effect, by cell type specificity.

A random forest on the scores of all tracks, cross-validated in each specificity bin (Kathail et al. 2024, after Avsec
et al. 2021). Its defaults are the paper's code: negatives from the whole negative set, drawn bin after bin from one
legacy numpy generator seeded with 0 and used in file order; scikit-learn's forest with max_features log2; unshuffled
stratified folds; means over folds.
"""
