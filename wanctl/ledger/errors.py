"""Errors of a ledger, as sentences. Stores raise them; the command line prints them."""

from wanctl.base.errors import WanctlError


class LedgerError(WanctlError):
    """The ledger cannot be used; nothing was written."""


class LedgerUnreadableError(LedgerError):
    """The stored text is not a ledger (or a lease) that this version understands."""


class LedgerDamagedError(LedgerUnreadableError):
    """It was a ledger, and something changed it that is not wanctl."""


class LeaseDamagedError(LedgerUnreadableError):
    """The lease is no lease: nobody knows who is applying."""


class LedgerMovedError(LedgerError):
    """Somebody saved between our load and our save."""


class LedgerElsewhereError(LedgerError):
    """The ledger was moved to another store, and wanctl.yaml still names this one."""
