"""What an answer of a cluster means: an object, or an error of the class that status and reason have."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wanctl.base.redaction import without_secrets
from wanctl.base.words import first_line
from wanctl.kubernetes.errors import (
    AccessRefusedError,
    ClusterBusyError,
    KubernetesError,
    NoSuchObjectError,
    ObjectExistsError,
    ObjectTooLargeError,
    RejectedObjectError,
    StaleVersionError,
    VersionGoneError,
)
from wanctl.kubernetes.resources import KubeObject

LONGEST_SAID = 400  # characters of the cluster's own words
_OK = range(200, 300)
_TOO_LARGE = ("Request entity too large", "etcdserver: request is too large", "must have at most", "Too long")
_TERMINATING = "because it is being terminated"  # a namespace; no role helps
_BY_STATUS: dict[int, type[KubernetesError]] = {
    400: RejectedObjectError,
    401: AccessRefusedError,
    403: AccessRefusedError,
    404: NoSuchObjectError,
    405: RejectedObjectError,
    406: RejectedObjectError,
    410: VersionGoneError,
    413: ObjectTooLargeError,
    415: RejectedObjectError,
    422: RejectedObjectError,
    429: ClusterBusyError,
}
_REMEDIES: dict[type[KubernetesError], str] = {
    AccessRefusedError: "give this account the role that docs/kubernetes.md names",
}


@dataclass(frozen=True)
class KubeCall:
    """A call, for messages: what was to be done with which object."""

    verb: str
    target: str

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"


def judge_answer(call: KubeCall, status: int, headers: Mapping[str, str], content: bytes) -> KubeObject:
    """The object in the answer, or the error that the answer is."""
    try:
        body = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        body = None
    if status in _OK and isinstance(body, dict):
        return body
    if status in _OK:
        raise ClusterBusyError(f"{call}: the answer is no JSON; is this the API of a cluster?", status=status)
    said = body if isinstance(body, dict) else {"message": content[:LONGEST_SAID].decode("utf-8", "replace")}
    raise error_of(call, {**said, "code": status}, headers)


def error_of(
    call: KubeCall, told: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> KubernetesError:
    """The error of a Status object: that of an answer, or one that comes in the middle of a watch."""
    code = told.get("code")
    status = code if isinstance(code, int) else 500
    reason, words = str(told.get("reason", "")), spoken_by_cluster(told.get("message"))
    kind = _kind(status, reason, words)
    shown = f"{call}: {words or reason or f'status {status}'}"
    return kind(shown, _REMEDIES.get(kind), status=status, retry_after=_retry_after(told, headers or {}))


def spoken_by_cluster(message: object) -> str:
    """Its words, on one line, without what may be secret: an object that is refused may be quoted in them."""
    line = without_secrets(first_line(str(message or "").strip()))
    return line if len(line) <= LONGEST_SAID else f"{line[:LONGEST_SAID]}…"


def _kind(status: int, reason: str, words: str) -> type[KubernetesError]:
    if any(hint in words for hint in _TOO_LARGE):
        return ObjectTooLargeError
    if status == 409:
        return ObjectExistsError if reason == "AlreadyExists" else StaleVersionError
    if _TERMINATING in words:
        return RejectedObjectError
    return _BY_STATUS.get(status, ClusterBusyError if status >= 500 else RejectedObjectError)


def _retry_after(told: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    details = told.get("details")
    asked = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    try:
        seconds = float(headers.get("retry-after") or asked or 0)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < float("inf") else None
