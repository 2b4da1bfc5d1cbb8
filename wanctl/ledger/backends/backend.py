"""A place that can hold a ledger: it keeps two texts, each replaced by compare-and-swap.

Places know nothing of records; what the texts mean is the business of store.py. One may know the holders of
leases: whether they still live.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from wanctl.ledger.lease import HolderPod, Lease


class Blob(StrEnum):
    """The two documents of a ledger."""

    RECORD = "ledger"
    LEASE = "lease"


@dataclass(frozen=True)
class StoredBlobs:
    """Texts as they stood at one moment, with what the place knows them again by."""

    texts: Mapping[Blob, str | None]  # None: there is none
    stamp: Any = field(default=None, repr=False)  # the place's own: a commit, entity tags, numbers

    def text(self, blob: Blob) -> str | None:
        return self.texts.get(blob)


class KnowsNoHolder:
    """A place that knows nothing of those who hold a lease on it."""

    def holder_here(self) -> HolderPod | None:
        return None

    def holder_is_gone(self, lease: Lease) -> bool:  # noqa: ARG002 - of nobody is it known
        return False


class ChangedMeanwhileError(Exception):
    """The text is not what it was when it was read; nothing was written."""


class Backend(Protocol):
    """A place for one ledger. Every failure to reach or to use the place is a LedgerError."""

    @property
    def location(self) -> str:
        """As the user wrote it, for messages; never with a password in it."""

    def read(self, *blobs: Blob) -> StoredBlobs:
        """These texts as they stand now."""

    def recall(self) -> StoredBlobs | None:
        """Both texts after our last write, if a `replace` on it notices every change since; else None."""

    def replace(self, seen: StoredBlobs, blob: Blob, text: str | None, why: str) -> None:
        """Write this text (None: take it away) if what is there is still as seen, or raise
        ChangedMeanwhileError."""

    def keep(self, text: str) -> str:
        """Put a copy of a ledger beside it, under a name of its own; says where it is."""

    def earlier(self, good: Callable[[str], bool]) -> str:
        """Where the last good state of a damaged ledger is, as a sentence; `good` tells one from its text."""

    def prove(self, seen: StoredBlobs) -> None:
        """Make sure that the place refuses a stale write of the lease, which stands as seen."""

    def holder_here(self) -> HolderPod | None:
        """This process, as the place itself knows those who hold a lease; None where it knows nobody."""

    def holder_is_gone(self, lease: Lease) -> bool:
        """The place itself knows that the holder is no more. In doubt: no."""
