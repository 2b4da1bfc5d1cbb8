"""What was applied and cannot be read back from the service. It can be lost: see docs/ledger.md."""
