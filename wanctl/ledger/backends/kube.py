"""A ledger in a cluster of Kubernetes: packed in a Secret, and the lease on it in a Lease of the same name.

Each is replaced only if it is of the resourceVersion that was read, and created only if there is none. As in
a bucket, a save checks the lease by reading it just before, and the Secret's own version catches whoever
saved in between. A write whose answer was lost is sent again, on the same condition: it is written once.

What a Lease has of its own (holder, times) is filled in for kubectl; what counts is our text beside it, as
long as the holder is the one that our text has.
"""

import base64
import binascii
import copy
import gzip
import json
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from wanctl.kubernetes.access import ThisPod
from wanctl.kubernetes.blocking import BlockingCluster
from wanctl.kubernetes.errors import (
    KubernetesError,
    NoAnswerError,
    NoSuchObjectError,
    ObjectExistsError,
    ObjectTooLargeError,
    StaleVersionError,
)
from wanctl.kubernetes.resources import LEASES, PODS, SECRETS, KubeObject, ResourceType, metadata, uid_of
from wanctl.ledger.backends.backend import Blob, ChangedMeanwhileError, StoredBlobs
from wanctl.ledger.backends.object import unconditional
from wanctl.ledger.errors import LedgerError, LedgerUnreadableError
from wanctl.ledger.lease import LEASE_TTL, HolderPod, Lease
from wanctl.ledger.location import KubeLocation

SECRET_TYPE = "wanctl.dev/ledger"  # noqa: S105 - what a Secret holds; no other one is read or written
LEDGER_KEY, COPY_KEY = "ledger.json.gz", "copy.json.gz"
LEASE_TEXT, WRITE, WHY = "wanctl.dev/lease", "wanctl.dev/write", "wanctl.dev/why"
LARGEST = 1024 * 1024 - 1024  # bytes of a Secret, which may have 1 MB
LARGEST_UNPACKED = 256 * 1024 * 1024
SENDS = 3  # of one write whose answers are lost
STALE = "1"  # the resourceVersion of nothing that is written today
_WHOLE_SECOND = timedelta(seconds=1)  # times of containers have no parts of a second
_LABELS = {"app.kubernetes.io/managed-by": "wanctl"}
_ENDED = {"Succeeded", "Failed"}
_KINDS: dict[Blob, ResourceType] = {Blob.RECORD: SECRETS, Blob.LEASE: LEASES}


class KubeBackend:
    """A Secret and a Lease of one name. Stateless: the objects as they were read travel in the readings."""

    def __init__(self, location: KubeLocation, cluster: BlockingCluster, here: ThisPod | None) -> None:
        self._where = location
        self._cluster = cluster
        self._here = here

    @property
    def location(self) -> str:
        return str(self._where)

    def read(self, *blobs: Blob) -> StoredBlobs:
        found = {blob: self._get(_KINDS[blob]) for blob in blobs}
        return StoredBlobs({blob: self._text(blob, one) for blob, one in found.items()}, found)

    def recall(self) -> StoredBlobs | None:
        return None  # a write of one object says nothing of the other

    def replace(self, seen: StoredBlobs, blob: Blob, text: str | None, why: str) -> None:
        before: KubeObject | None = seen.stamp[blob]
        item = self._filled(blob, before or self._empty(_KINDS[blob], self._where.name), text)
        metadata(item).setdefault("annotations", {})[WHY] = why
        self._write(_KINDS[blob], item, new=before is None)

    def keep(self, text: str) -> str:
        number = 1
        while True:
            name = f"{self._where.name}.kept-{number}"
            try:
                self._write(SECRETS, self._filled(Blob.RECORD, self._empty(SECRETS, name), text), new=True)
            except ChangedMeanwhileError:
                number += 1
            else:
                return str(self._where.named(name))

    def earlier(self, good: Callable[[str], bool]) -> str:
        secret = self._get(SECRETS) or {}
        try:
            found = good(_unpacked(secret, COPY_KEY) or "")
        except ValueError:
            found = False
        if not found:
            return "The Secret has no good copy of it: restore it from a backup of the cluster."
        change = json.dumps([{"op": "copy", "from": f"/data/{COPY_KEY}", "path": f"/data/{LEDGER_KEY}"}])
        return (
            "The last good copy is in the same Secret. To put it in its place: "
            f"kubectl -n {self._where.namespace} patch secret {self._where.name} --type=json -p '{change}'"
        )

    def prove(self, seen: StoredBlobs) -> None:
        """A write of an old version, which must fail; were it to pass, it would write what stands there."""
        item = copy.deepcopy(seen.stamp[Blob.LEASE])
        if item is None:
            return  # somebody took it away just now, and the next write will say so
        metadata(item)["resourceVersion"] = STALE
        try:
            with self._spoken("written"):
                self._cluster.ask(lambda client: client.replace(LEASES, item))
        except ChangedMeanwhileError:
            return
        raise unconditional(self.location, "resourceVersion")

    def holder_here(self) -> HolderPod | None:
        """This very Pod, if the ledger's own cluster knows it: only then can others ask for it there."""
        if self._here is None:
            return None
        pod = self._pod(self._here.namespace, self._here.name)
        uid = uid_of(pod) if pod else None
        return HolderPod(namespace=self._here.namespace, name=self._here.name, uid=uid) if uid else None

    def holder_is_gone(self, lease: Lease) -> bool:
        """Its Pod is deleted, replaced, or has ended, or all of its containers have since. In doubt, as
        without the right to look: no."""
        if lease.pod is None:
            return False
        try:
            pod = self._pod(lease.pod.namespace, lease.pod.name)
        except LedgerError:
            return False
        if pod is None or uid_of(pod) != lease.pod.uid:
            return True
        status = pod.get("status") or {}
        return status.get("phase") in _ENDED or _each_ended_since(status, lease.since)

    def _pod(self, namespace: str, name: str) -> KubeObject | None:
        try:
            with self._spoken("read"):
                return self._cluster.ask(lambda client: client.get(PODS, name, namespace))
        except _NotThereError:
            return None

    def _get(self, what: ResourceType) -> KubeObject | None:
        where = self._where
        try:
            with self._spoken("read"):
                found = self._cluster.ask(lambda client: client.get(what, where.name, where.namespace))
        except _NotThereError:
            return None
        if what is SECRETS and found.get("type") != SECRET_TYPE:
            raise LedgerError(
                f"The Secret {where.namespace}/{where.name} is not a ledger of wanctl (its type is not "
                f"{SECRET_TYPE}). It was left as it is; name another one in ledger:."
            )
        return found

    def _text(self, blob: Blob, item: KubeObject | None) -> str | None:
        if item is None:
            return None
        if blob is Blob.LEASE:
            return _text_of_lease(item)
        try:
            return _unpacked(item, LEDGER_KEY)
        except ValueError as error:
            earlier = self.earlier(lambda text: bool(text))
            raise LedgerUnreadableError(
                f"The ledger {self.location} cannot be read: {error}. It was left as it is. {earlier}"
            ) from None

    def _empty(self, what: ResourceType, name: str) -> KubeObject:
        about = {"name": name, "namespace": self._where.namespace, "labels": dict(_LABELS)}
        return {"metadata": about, **({"type": SECRET_TYPE} if what is SECRETS else {"spec": {}})}

    def _filled(self, blob: Blob, item: KubeObject, text: str | None) -> KubeObject:
        """The object with this text, and what else stands in it as it was."""
        item = copy.deepcopy(item)
        if blob is Blob.LEASE:
            return _lease_with(item, text)
        data = {
            key: one for key, one in (item.get("data") or {}).items() if key not in {LEDGER_KEY, COPY_KEY}
        }
        if text is not None:
            packed = gzip.compress(text.encode(), mtime=0)
            if len(packed) > LARGEST:
                raise LedgerError(
                    f"The ledger has {len(packed) / 2**20:.1f} MB when packed, and a Secret holds 1 MB. "
                    "Nothing was written. Move it to a bucket, as with: wanctl ledger move s3://BUCKET/KEY"
                )
            spelled = base64.b64encode(packed).decode()
            data |= dict.fromkeys((LEDGER_KEY, COPY_KEY)[: LARGEST // len(packed)], spelled)
        return {**item, "data": data}

    def _write(self, what: ResourceType, item: KubeObject, *, new: bool) -> None:
        """On the condition that it is new, or as it was read. Sent again when the answer is lost: who finds
        then that the condition fails, and the mark of this very write, was heard the first time."""
        mark = uuid.uuid4().hex
        metadata(item).setdefault("annotations", {})[WRITE] = mark
        unheard: NoAnswerError | None = None
        with self._spoken("written"):
            for _ in range(SENDS):
                try:
                    self._cluster.ask(
                        lambda client: client.create(what, item) if new else client.replace(what, item)
                    )
                except NoAnswerError as error:
                    unheard = error
                except (StaleVersionError, ObjectExistsError, NoSuchObjectError):
                    if unheard and self._bears(what, item, mark):
                        return
                    raise
                else:
                    return
            if unheard:
                raise unheard

    def _bears(self, what: ResourceType, item: KubeObject, mark: str) -> bool:
        about = metadata(item)
        try:
            there = self._cluster.ask(lambda client: client.get(what, about["name"], about["namespace"]))
        except NoSuchObjectError:
            return False
        return (metadata(there).get("annotations") or {}).get(WRITE) == mark

    @contextmanager
    def _spoken(self, what: str) -> Iterator[None]:
        """Turn the client's errors into a sentence with a remedy, or into what they mean for a store."""
        try:
            yield
        except (StaleVersionError, ObjectExistsError) as error:
            raise ChangedMeanwhileError from error
        except NoSuchObjectError as error:
            if what == "read":
                raise _NotThereError from error
            if "namespaces " in error.message:
                raise LedgerError(
                    f"The ledger {self.location} cannot be written: there is no namespace "
                    f"{self._where.namespace}. Create it, or name another."
                ) from error
            raise ChangedMeanwhileError from error
        except ObjectTooLargeError as error:
            raise LedgerError(
                f"The ledger {self.location} cannot be written: {error.message}. "
                "Move it to a bucket, as with: wanctl ledger move s3://BUCKET/KEY"
            ) from error
        except KubernetesError as error:
            remedy = error.remedy or "check the cluster, then run the same command again"
            raise LedgerError(
                f"The ledger {self.location} cannot be {what}: {error.message}; {remedy}."
            ) from error


class _NotThereError(Exception):
    """There is no such object."""


def _each_ended_since(status: Mapping[str, Any], since: datetime) -> bool:
    """Each container of the Pod is another run of it than at that time, or runs no more. Its node has told
    the times, by the clock that the holder had. A container that waits, and never ran as far as is known, may
    have begun just now."""
    first = [
        one
        for one in status.get("initContainerStatuses") or ()
        if "terminated" not in (one.get("state") or {})
    ]
    own, added = status.get("containerStatuses") or [], status.get("ephemeralContainerStatuses") or []
    return bool(own) and all(_ended_since(one, since) for one in (*first, *own, *added))


def _ended_since(container: Mapping[str, Any], since: datetime) -> bool:
    now, before = container.get("state") or {}, container.get("lastState") or {}
    if "running" in now:
        moment = now["running"].get("startedAt")
    else:
        moment = (now.get("terminated") or before.get("terminated") or {}).get("finishedAt")
    try:
        return moment is not None and datetime.fromisoformat(moment) > since + _WHOLE_SECOND
    except (TypeError, ValueError):
        return False


def _unpacked(secret: Mapping[str, Any], key: str) -> str | None:
    """The text under this key; ValueError says why it is none."""
    spelled = (secret.get("data") or {}).get(key)
    if spelled is None:
        return None
    try:
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        content = unpacking.decompress(base64.b64decode(spelled, validate=True), LARGEST_UNPACKED)
        if not unpacking.eof:
            raise ValueError(f"{key} is cut off, or larger than any ledger")
        return content.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        raise ValueError(f"{key} is not a text packed by gzip") from None


def _text_of_lease(item: Mapping[str, Any]) -> str | None:
    """Our text, while its holder is the one that the Lease has; without a holder the Lease is free. A holder
    that we know nothing of makes a text that no lease has: then a person has to look."""
    holder = (item.get("spec") or {}).get("holderIdentity")
    if not holder:
        return None
    text = (metadata(item).get("annotations") or {}).get(LEASE_TEXT)
    return text if text and _identity(text) == holder else f"held by {holder}"


def _lease_with(item: KubeObject, text: str | None) -> KubeObject:
    spec: dict[str, Any] = dict(item.get("spec") or {})
    annotations = metadata(item).setdefault("annotations", {})
    before = spec.get("holderIdentity")
    if text is None:
        annotations.pop(LEASE_TEXT, None)
        return {**item, "spec": {**spec, "holderIdentity": ""}}
    annotations[LEASE_TEXT] = text
    spec["holderIdentity"] = _identity(text)
    if before != spec["holderIdentity"]:
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + (1 if before else 0)
    if lease := _lease(text):
        spec["leaseDurationSeconds"] = round(LEASE_TTL.total_seconds())
        spec["acquireTime"] = _micro_time(lease.since)
        spec["renewTime"] = _micro_time(lease.expires - LEASE_TTL)
    return {**item, "spec": spec}


def _identity(text: str) -> str:
    """The holder as a Lease names it: its Pod, or who runs it where; and no two runs are the same."""
    lease = _lease(text)
    if lease is None:
        return "unreadable"
    return f"{lease.pod or lease.holder} {lease.token}"


def _lease(text: str) -> Lease | None:
    try:
        return Lease.model_validate_json(text)
    except ValueError:
        return None


def _micro_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
