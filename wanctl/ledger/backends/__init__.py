"""Where a ledger is kept: a file, a branch of git, an object store. Each replaces only on a condition."""
