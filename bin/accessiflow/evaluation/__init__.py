"""Reference accuracy by cell type specificity.

One module a question, one shared way to read predictions, targets and peaks.
"""
