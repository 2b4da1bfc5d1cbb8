"""Objects as they change: a list, and then each change of it, for as long as somebody reads.

A watch of the API ends all the time: its time is over, a connection breaks, the cluster starts anew, or it no
longer remembers the version that is asked for. Here it goes on from the last version that was seen; where the
cluster has forgotten it, everything is listed anew. Nothing is taken for unchanged because nothing was heard.
"""

import json
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx

from wanctl.base.bounded import read_bounded
from wanctl.kubernetes.client import FoundObjects, KubeRequest, KubernetesClient, broken, selection
from wanctl.kubernetes.errors import (
    ClusterBusyError,
    ClusterUnreachableError,
    VersionGoneError,
)
from wanctl.kubernetes.resources import KubeObject, ResourceType, version_of
from wanctl.kubernetes.verdict import KubeCall, error_of, judge_answer

_log = logging.getLogger("wanctl.kubernetes")

SERVED_FOR = 240  # seconds after which the cluster ends a watch, so that a dead one is not read for ever
SILENCE = 100.0  # seconds without a byte: bookmarks come each minute, so this connection is dead
LONGEST_LINE = 4 * 1024 * 1024  # bytes: an object has at most 1.5 MB
SHORTEST_WATCH = 1.0  # seconds; one that ends sooner is not begun again at once
LONGEST_WAIT = 30.0  # seconds between two tries to reach a cluster that is away
_OK = 200


class Changed(StrEnum):
    """What became of an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


_CHANGES = {str(one): one for one in Changed}  # what else comes, such as BOOKMARK, only has a version
_ERROR = "ERROR"


@dataclass(frozen=True)
class ObjectChange:
    """One object, as it is after the change; a deleted one as it was last."""

    what: Changed
    item: KubeObject


@dataclass(frozen=True)
class WatchedObjects:
    """Which objects are watched: a kind, in a namespace or in all, of some labels or fields."""

    what: ResourceType
    namespace: str | None = None
    labels: str | None = None
    fields: str | None = None


async def follow(
    client: KubernetesClient, watched: WatchedObjects, *, patience: float = float("inf")
) -> AsyncGenerator[FoundObjects | ObjectChange, None]:
    """First all objects, then each change. All of them come again whenever the cluster has forgotten what
    there was in between: what is missing then is gone.

    Whoever stops reading before its end closes it (contextlib.aclosing): a watch is an open connection.
    A cluster that is away is waited for, for `patience` seconds in a row; what it refuses is raised.
    """
    version, tries = "", 0
    away_since: float | None = None
    while True:
        try:
            if not version:
                found = await client.list(
                    watched.what, watched.namespace, labels=watched.labels, fields=watched.fields
                )
                version = found.version
                yield found
            begun = time.monotonic()
            async for seen, change in _changes(client, watched, version):
                version, away_since, tries = seen, None, 0
                if change:
                    yield change
            away_since, tries = None, 0
            if time.monotonic() - begun < SHORTEST_WATCH:
                await client.pause(SHORTEST_WATCH)
        except VersionGoneError:
            version = ""
        except (ClusterBusyError, ClusterUnreachableError) as error:
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > patience:
                raise
            _log.info("%s; watching again", error)
            tries += 1
            await client.pause(wait_before(tries, error.retry_after))


async def _changes(
    client: KubernetesClient, watched: WatchedObjects, version: str
) -> AsyncGenerator[tuple[str, ObjectChange | None], None]:
    """The changes since this version, each with the version to go on from; ends when the cluster ends it."""
    what = watched.what
    request = KubeRequest(
        "GET",
        what.path(watched.namespace if what.namespaced else None),
        KubeCall("watch", what.labelled(watched.namespace)),
        {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(SERVED_FOR),
            **selection(watched.labels, watched.fields),
        },
    )
    ends = time.monotonic() + SERVED_FOR + SILENCE
    try:
        async with client.stream(request, SILENCE) as response:
            if response.status_code != _OK:
                content = await read_bounded(response)
                judge_answer(request.call, response.status_code, response.headers, content)
            async for line in _lines(request, response):
                event = _decoded(request, line)
                kind, item = event.get("type"), event.get("object") or {}
                if kind == _ERROR:
                    raise error_of(request.call, item)
                version = version_of(item) or version
                typed = {"apiVersion": what.api_version, "kind": what.kind, **item}
                yield version, ObjectChange(_CHANGES[kind], typed) if kind in _CHANGES else None
                if time.monotonic() > ends:
                    return
    except httpx.ReadTimeout:
        return  # nothing came for so long: a new connection says whether that is so
    except (httpx.HTTPError, TimeoutError) as error:
        raise broken(request, error) from error


async def _lines(request: KubeRequest, response: httpx.Response) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in response.aiter_raw():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(rest) > LONGEST_LINE:
            raise ClusterBusyError(f"{request.call}: a line of the answer is longer than any object")


def _decoded(request: KubeRequest, line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise ClusterBusyError(f"{request.call}: a line of the answer is no JSON")
    return event


def wait_before(tries: int, asked: float | None) -> float:
    """Seconds until the next look at a cluster that is away: longer each time, and never the same for all."""
    if asked is not None:
        return min(asked, LONGEST_WAIT)
    most = min(LONGEST_WAIT, 0.5 * 2.0 ** min(tries, 10))
    return most * (0.5 + secrets.randbelow(500) / 1000)
