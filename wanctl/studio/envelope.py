"""What an answer says of itself: its body, and its complaint from whichever envelope it came in.

The service mixes its two envelopes on every path, a gateway before it answers with pages or plain text.
Pure: what it means is for `verdict` to say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_SAID = 1000
_NO_ERROR = frozenset({"", "0", "200", "success", "ok", "none", "null"})


@dataclass(frozen=True)
class ServiceComplaint:
    """What an answer says of itself, from whichever envelope it came in."""

    status: int
    code: str
    message: str
    readable: bool
    plain: str = ""  # a body that is no JSON, for people only: no rule reads it
    request_id: str | None = None
    retry_after: float | None = None


def complaint_of(
    status: int, headers: Mapping[str, str], body: dict[str, Any] | None, content: bytes
) -> ServiceComplaint:
    body_or_nothing = body or {}
    inner = body_or_nothing.get("error") or _failed_upload(body_or_nothing)
    said = {**body_or_nothing, **inner} if isinstance(inner, dict) else dict(body_or_nothing)
    if isinstance(inner, str) and not said.get("message"):
        said["message"] = inner
    code = _spelled(said.get("code"))
    if code.lower() in _NO_ERROR:
        code = _spelled(said.get("type")) if isinstance(inner, dict) else ""
    if inner and not code:
        code = "error"
    return ServiceComplaint(
        status,
        code,
        _message(said)[:LONGEST_SAID],
        readable=body is not None,
        plain="" if body else _plain(content),
        request_id=_spelled(body_or_nothing.get("request_id")) or headers.get("x-request-id"),
        retry_after=_seconds(headers.get("retry-after")),
    )


def _failed_upload(body: dict[str, Any]) -> Any:
    """The native upload answers 200 and lists what it did not take."""
    data = body.get("data")
    failed = data.get("failed_uploads") if isinstance(data, dict) else None
    return failed[0] if isinstance(failed, list) and failed else None


def decoded(content: bytes) -> dict[str, Any] | None:
    """The body, where it is the JSON object that every good answer is."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _message(said: Mapping[str, Any]) -> str:
    """What it says in words; a server that is built on a common framework may say it under `detail`."""
    detail = said.get("detail")
    listed = json.dumps(detail, ensure_ascii=False) if isinstance(detail, list) else detail
    return _spelled(said.get("message") or said.get("msg") or listed)


def _plain(content: bytes) -> str:
    """The words of a body that is text; nothing of a page, or of what is no text at all."""
    text = content[:LONGEST_SAID].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) or not text.isprintable() else text


def _spelled(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _seconds(value: str | None) -> float | None:
    """Retry-After in seconds. Its other form, a date, needs a clock and is not seen here."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
