"""The ledger: what was applied and cannot be read back. It can be lost: see docs/ledger.md."""
