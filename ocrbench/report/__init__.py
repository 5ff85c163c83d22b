"""Reports: one module per kind, each a function from the wide table to a file's content."""
