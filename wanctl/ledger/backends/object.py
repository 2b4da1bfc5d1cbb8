"""A ledger in an object store that writes on conditions: S3 and what speaks its protocol, GCS, Azure, OSS.

Ledger and lease are two objects, each replaced only if its entity tag (on GCS: its generation) is the one
that was read, and created only if there is none. That is compare-and-swap for each object by itself: a save
checks the lease by reading it just before, and the ledger's own tag catches whoever saved in between.

Not every server that speaks S3 heeds these conditions, so each run proves it on the lease that it took,
before it writes anything else. OSS has no such conditions, and numbers its objects instead: see OssBackend.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions as refused

from wanctl.base.redaction import without_secrets
from wanctl.base.words import first_line
from wanctl.ledger.backends.backend import Blob, ChangedMeanwhileError, KnowsNoHolder, StoredBlobs
from wanctl.ledger.errors import LedgerError, LedgerUnreadableError
from wanctl.ledger.location import ObjectLocation

if TYPE_CHECKING:
    from obstore import PutMode, UpdateVersion
    from obstore.store import ObjectStore


_NO_KEYS = re.compile(r"169\.254\.169\.254|metadata\.google\.internal")  # the last place to look for some
_VARIABLES = "docs/ledger.md names the variables that are looked for."
_NO_BUCKET = re.compile("NoSuchBucket|ContainerNotFound|bucket does not exist")
_STALE: "PutMode" = {"e_tag": '"wanctl-stale"', "version": "1"}


class ObjectBackend(KnowsNoHolder):
    """Two objects. Stateless: tags travel in the readings. An empty object stands for one that was taken
    away, as objects cannot be deleted on a condition."""

    def __init__(self, location: ObjectLocation, objects: "ObjectStore") -> None:
        self._where = location
        self._objects = objects
        self._keys = {Blob.RECORD: location.key, Blob.LEASE: f"{location.key}.lease"}

    @property
    def location(self) -> str:
        return str(self._where)

    def read(self, *blobs: Blob) -> StoredBlobs:
        texts: dict[Blob, str | None] = {}
        tags: dict[Blob, PutMode] = {}
        for blob in blobs:
            text, tags[blob] = self._get(self._keys[blob])
            texts[blob] = text or None  # an empty object stands for one that was taken away
        return StoredBlobs(texts, tags)

    def recall(self) -> StoredBlobs | None:
        return None  # a write of one object says nothing of the other

    def replace(self, seen: StoredBlobs, blob: Blob, text: str | None, why: str) -> None:  # noqa: ARG002 - objects keep no log
        with spoken(self.location, "written"):
            self._put(self._keys[blob], text or "", seen.stamp[blob])

    def keep(self, text: str) -> str:
        number = 1
        while True:
            key = f"{self._where.key}.{number}"
            try:
                with spoken(self.location, "written"):
                    self._put(key, text, "create")
            except ChangedMeanwhileError:
                number += 1
            else:
                return f"{self._where.scheme}://{self._where.bucket}/{key}"

    def earlier(self, good: Callable[[str], bool]) -> str:  # noqa: ARG002 - only the bucket knows
        return (
            "If the bucket keeps versions, the version before this one of the object is the last good state; "
            "else restore it from a backup."
        )

    def prove(self, seen: StoredBlobs) -> None:
        """Two writes that must fail; were they to pass, they would write what stands there already."""
        text = seen.text(Blob.LEASE) or ""
        for mode in ("create", _STALE):
            try:
                with spoken(self.location, "written"):
                    self._put(self._keys[Blob.LEASE], text, mode)
            except ChangedMeanwhileError:
                continue
            raise unconditional(self.location, "If-Match and If-None-Match")

    def _get(self, key: str) -> "tuple[str | None, PutMode]":
        with spoken(self.location, "read"):
            try:
                found = obstore.get(self._objects, key)
                text = bytes(found.bytes()).decode()
            except FileNotFoundError as error:
                if _NO_BUCKET.search(str(error)):
                    raise  # a place that is not there is no empty ledger
                return None, "create"
        tag: UpdateVersion = {}
        if (e_tag := found.meta["e_tag"]) is not None:
            tag["e_tag"] = e_tag
        if (version := found.meta["version"]) is not None:
            tag["version"] = version
        return text, tag

    def _put(self, key: str, text: str, mode: "PutMode") -> None:
        try:
            # In one request: an upload in parts is created on no condition.
            obstore.put(self._objects, key, text.encode(), mode=mode, use_multipart=False)
        except (refused.AlreadyExistsError, refused.PreconditionError) as error:
            raise ChangedMeanwhileError from error
        except FileNotFoundError as error:
            if mode == "create" or _NO_BUCKET.search(str(error)):
                raise
            raise ChangedMeanwhileError from error


def unconditional(location: str, what: str) -> LedgerError:
    """The place takes stale writes: two runs would overwrite each other's ledger."""
    return LedgerError(
        f"The store behind {location} does not heed {what}, so it cannot keep two runs apart. "
        "Nothing was done. Write another ledger: in wanctl.yaml, such as git:wanctl-ledger."
    )


@contextmanager
def spoken(location: str, what: str) -> Iterator[None]:
    """Turn the client's errors into a sentence with a remedy."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise LedgerUnreadableError(
            f"The ledger {location} cannot be read: {without_secrets(str(error))}"
        ) from error
    except (refused.PermissionDeniedError, refused.UnauthenticatedError) as error:
        raise LedgerError(
            f"The ledger {location} cannot be {what}: the store refuses this machine's credentials "
            f"({_plain_words(error)}). {_VARIABLES}"
        ) from error
    except (FileNotFoundError, refused.BaseError) as error:
        remedy = "Check the network, the endpoint and the credentials, then run the same command again."
        if _NO_BUCKET.search(str(error)):
            remedy = "There is no such bucket: create it, or name another."
        if _NO_KEYS.search(str(error)):
            remedy = f"There are no credentials in the environment, nor from the machine. {_VARIABLES}"
        raise LedgerError(
            f"The ledger {location} cannot be {what}: {_plain_words(error)}. {remedy}"
        ) from error


def _plain_words(error: Exception) -> str:
    """The client's message, without its debugging, the server's page, or a query that may be signed."""
    line = first_line(str(error).strip()).partition(": <")[0]
    return (
        without_secrets(re.sub(r"(https?://[^\s?]*)\?\S*", r"\1", line)).rstrip(".") or type(error).__name__
    )


FORBID_OVERWRITE = {"x-oss-forbid-overwrite": "true"}
STATES_KEPT = 5


class OssBackend(KnowsNoHolder):
    """Ledger and lease as numbered objects. Stateless: numbers travel in the readings.

    OSS has but one conditional write: create, if the name is free (x-oss-forbid-overwrite). So nothing is
    replaced: each state is an object with the next number, and the highest number is the newest state. Of two
    runs that write the same next number one gets through. Old numbers are cleared away; a run that stalled so
    long that its number was cleared sees a higher one after its write, and counts that write as refused.

    This rests on two things: listing sees every finished write (OSS promises it), and the bucket keeps no
    versions (with versioning OSS ignores the header). Every run that takes the lease proves the second on it.

    `creating` is a client whose every PUT forbids overwriting; the other one reads, lists and deletes.
    """

    def __init__(self, location: ObjectLocation, objects: "ObjectStore", creating: "ObjectStore") -> None:
        self._where = location
        self._objects = objects
        self._creating = creating

    @property
    def location(self) -> str:
        return str(self._where)

    def read(self, *blobs: Blob) -> StoredBlobs:
        texts: dict[Blob, str | None] = {}
        numbers: dict[Blob, int] = {}
        for blob in blobs:
            text, numbers[blob] = self._latest(blob)
            texts[blob] = text or None  # an empty object stands for one that was taken away
        return StoredBlobs(texts, numbers)

    def recall(self) -> StoredBlobs | None:
        return None

    def replace(self, seen: StoredBlobs, blob: Blob, text: str | None, why: str) -> None:  # noqa: ARG002 - objects keep no log
        number = seen.stamp[blob] + 1
        self._create(self._key(blob, number), text or "")
        with spoken(self.location, "written"):
            there = self._numbers(blob)
            if there[-1] != number:
                raise ChangedMeanwhileError
            if old := [self._key(blob, one) for one in there[:-STATES_KEPT]]:
                obstore.delete(self._objects, old)

    def keep(self, text: str) -> str:
        number = 1
        while True:
            key = f"{self._where.key}/kept/{number}"
            try:
                self._create(key, text)
            except ChangedMeanwhileError:
                number += 1
            else:
                return f"{self._where.scheme}://{self._where.bucket}/{key}"

    def earlier(self, good: Callable[[str], bool]) -> str:  # noqa: ARG002 - a person looks
        folder = f"{self._where.scheme}://{self._where.bucket}/{self._where.key}/{Blob.RECORD.value}"
        return (
            f"The states before it are the objects with lesser numbers in {folder}: the last good is there."
        )

    def prove(self, seen: StoredBlobs) -> None:
        """One write that must fail; were it to pass, it would write what stands there already."""
        try:
            self._create(self._key(Blob.LEASE, seen.stamp[Blob.LEASE]), seen.text(Blob.LEASE) or "")
        except ChangedMeanwhileError:
            return
        raise unconditional(self.location, "x-oss-forbid-overwrite (is versioning on?)")

    def _key(self, blob: Blob, number: int) -> str:
        return f"{self._where.key}/{blob.value}/{number:012d}"

    def _numbers(self, blob: Blob) -> list[int]:
        listed = obstore.list(self._objects, f"{self._where.key}/{blob.value}").collect()
        names = (entry["path"].rpartition("/")[2] for entry in listed)
        return sorted(int(name) for name in names if name.isdecimal())

    def _latest(self, blob: Blob) -> tuple[str | None, int]:
        with spoken(self.location, "read"):
            there = self._numbers(blob)
            if not there:
                return None, 0
            found = obstore.get(self._objects, self._key(blob, there[-1]))
            return bytes(found.bytes()).decode(), there[-1]

    def _create(self, key: str, text: str) -> None:
        with spoken(self.location, "written"):
            try:
                obstore.put(self._creating, key, text.encode(), mode="overwrite", use_multipart=False)
            except refused.AlreadyExistsError as error:
                raise ChangedMeanwhileError from error
