"""A ledger in Alibaba Cloud OSS, which has but one conditional write: create, if the name is free.

OSS refuses If-Match and If-None-Match on a PUT, and has x-oss-forbid-overwrite instead. So a paper is never
replaced: each state of it is an object with the next number, and the highest number is the paper. Of two runs
that write the same next number one gets through. Old numbers are cleared away; a run that stalled so long
that its number was cleared sees a higher one after its write, and counts that write as refused.

What this rests on: listing sees every finished write (OSS promises it), and the bucket keeps no versions
(with versioning OSS ignores the header). The second is proven on the lease by every run that takes it.
"""

from typing import TYPE_CHECKING

import obstore
from obstore import exceptions as refused

from wanctl.ledger.backends.backend import Blob, ChangedMeanwhileError, StoredBlobs
from wanctl.ledger.backends.object import spoken, unconditional
from wanctl.ledger.location import ObjectLocation

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FORBID_OVERWRITE = {"x-oss-forbid-overwrite": "true"}
STATES_KEPT = 5


class OssBackend:
    """Two growing rows of numbered objects. Stateless: numbers travel in the readings.

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
            texts[blob] = text or None  # an empty object is a paper that was taken away
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
