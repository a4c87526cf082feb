"""How well scores agree with measured effects: accessibility QTLs by direction, reporter assays by correlation."""
