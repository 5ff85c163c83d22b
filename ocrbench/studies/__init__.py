"""Studies: what measures something other than a cell. Each has its own tables, and a command of the same name."""
