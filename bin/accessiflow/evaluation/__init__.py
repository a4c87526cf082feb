"""Reference accuracy by cell type specificity: one module a question, one shared way to read predictions, targets and peaks."""
