"""From an answer to what it means: its content, or the error that it stands for.

Pure: the wire hands in status, headers and bytes. The service mixes its two envelopes on every path, and a
gateway before it answers with pages or plain text. The rules are data, the first that fits decides.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wanctl.base.net import held_secrets
from wanctl.base.redaction import value_without_held, without_secrets
from wanctl.studio.errors import (
    Arrears,
    AuthError,
    Busy,
    Conflict,
    InvalidRequest,
    LostAnswer,
    NotFound,
    QuotaExhausted,
    Refused,
    ServerError,
    StudioError,
    Throttled,
    UnsupportedState,
)

LONGEST_SAID = 1000
LONGEST_REQUEST_ID = 100
_NO_ERROR = frozenset({"", "0", "200", "success", "ok", "none", "null"})


@dataclass(frozen=True)
class ServiceComplaint:
    """An answer's own words on itself, from whichever envelope it came in."""

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
        request_id=_request_id(body_or_nothing, headers),
        retry_after=_seconds(headers.get("retry-after")),
    )


def _request_id(body: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """It is shown and kept, so it is one short word, and no secret."""
    said = _spelled(body.get("request_id")) or headers.get("x-request-id")
    return without_secrets(said)[:LONGEST_REQUEST_ID] if said else None


def _failed_upload(body: dict[str, Any]) -> Any:
    """The native upload answers 200 and lists what it did not take."""
    data = body.get("data")
    failed = data.get("failed_uploads") if isinstance(data, dict) else None
    return failed[0] if isinstance(failed, list) and failed else None


def decoded(content: bytes) -> dict[str, Any] | None:
    """The body, where it is the JSON object that every good answer is."""
    try:
        body = json.loads(content)
        if not isinstance(body, dict):
            return None
        return value_without_held(body) if _may_repeat_secrets(content) else body
    except (ValueError, RecursionError):
        return None


def _may_repeat_secrets(content: bytes) -> bool:
    """To look at every text of a long list takes time; a secret stands there as it is, or spelled with \\."""
    return b"\\" in content or any(one.encode() in content for one in held_secrets())


def _message(said: Mapping[str, Any]) -> str:
    """Its message; a server that is built on a common framework may give it under `detail`."""
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


class CallEffect(Enum):
    """The effect of a call, and so whether it may be made again when its answer was lost."""

    READ = "changes nothing"
    REPEATABLE = "changes something, twice is as good as once"
    ONCE = "must not be made twice unseen"


@dataclass(frozen=True)
class Call:
    """A call as errors and the log name it: no host, no query."""

    method: str
    path: str
    effect: CallEffect


@dataclass(frozen=True)
class Reply:
    """A good answer: the decoded body, and the id to quote when asking the vendor about it."""

    body: dict[str, Any]
    request_id: str | None
    call: Call
    status: int = 200


@dataclass(frozen=True)
class _VerdictRule:
    """When an answer is this error. Patterns are searched without regard to case; empty fits all."""

    error: type[StudioError]
    message: str
    hint: str | None = None
    statuses: range = range(100, 600)
    code: str = ""
    said: str = ""
    effects: tuple[CallEffect, ...] = tuple(CallEffect)

    def fits(self, complaint: ServiceComplaint, effect: CallEffect) -> bool:
        return (
            complaint.status in self.statuses
            and effect in self.effects
            and re.search(self.code, complaint.code, re.IGNORECASE) is not None
            and re.search(self.said, complaint.message, re.IGNORECASE) is not None
        )


def _just(status: int) -> range:
    return range(status, status + 1)


TOO_MANY = 429
_SUCCESS = range(200, 300)
_DEFINITE = range(200, 500)  # a gateway's 5xx leaves open what happened behind it
_KEY_HINT = (
    "check that the key is of this region (keys work in one region only), of the right workspace,"
    " and no coding plan key (sk-sp-…)"
)
_MISSING = r"not found|not exist|no such file"

_RULES = (
    _VerdictRule(
        Arrears,
        "the account owes money",
        "pay the bill in the console; waiting does not help",
        code=r"arrear|billoverdue",
    ),
    _VerdictRule(
        QuotaExhausted,
        "the account has as many fine-tune jobs as it may",
        "jobs that run or succeeded count, and none leaves by itself: delete unused models in the console,"
        " or ask the vendor for more",
        said=r"only \d+ fine-?tun\w* jobs?",
    ),
    _VerdictRule(
        QuotaExhausted,
        "the product is not activated for this account",
        "buy or activate it in the console; waiting does not help",
        code=r"commoditynotpurchased|unpurchased",
    ),
    _VerdictRule(
        QuotaExhausted,
        "the free quota is used up",
        "allow paid use in the console; waiting does not help",
        code=r"freetieronly",
    ),
    _VerdictRule(
        QuotaExhausted,
        "the free quota is used up",
        "allow paid use in the console; waiting does not help",
        _just(TOO_MANY),
        said=r"free (?:tier|quota)",
    ),
    _VerdictRule(
        QuotaExhausted,
        "the account has no room for more files",
        "delete uploads that no training needs any more; waiting does not help",
        _DEFINITE,
        said=r"upload file (?:capacity|number) exceed",
    ),
    _VerdictRule(
        Busy,
        "too many jobs at work",
        "it clears when one of them ends: minutes to hours",
        _just(TOO_MANY),
        said=r"too many (?!requests|calls)(?:[\w-]+ ){0,3}(?:jobs?|tasks?|deployments?)\b|too many fine-?tun",
    ),
    _VerdictRule(Throttled, "too many calls", "it clears by waiting", _just(TOO_MANY)),
    _VerdictRule(
        Throttled,
        "too many calls",
        "it clears by waiting",
        _DEFINITE,
        code=r"^throttling|^limit_(requests|burst)",
    ),
    _VerdictRule(
        AuthError,
        "the key was not accepted",
        _KEY_HINT,
        code=r"invalid_?api_?key|notauthori[sz]ed|work_?space_?not_?found",
    ),
    _VerdictRule(AuthError, "the key was not accepted", _KEY_HINT, _just(401)),
    _VerdictRule(AuthError, "the key may not do this", _KEY_HINT, _just(403)),
    _VerdictRule(NotFound, "not found", None, _just(404)),
    _VerdictRule(
        Conflict, "the name is taken", "look whether it is yours; a suffix makes another name", _just(409)
    ),
    _VerdictRule(ServerError, "the service took too long", None, _just(408)),
    _VerdictRule(UnsupportedState, "its state does not allow this", None, code=r"^unsupportedoperation"),
    _VerdictRule(
        NotFound,
        "not found",
        None,
        _just(400),
        said=_MISSING,
        effects=(CallEffect.READ, CallEffect.REPEATABLE),
    ),
    _VerdictRule(
        NotFound,
        "not found",
        None,
        _SUCCESS,
        code=r"^notfound$",
        effects=(CallEffect.READ, CallEffect.REPEATABLE),
    ),
    _VerdictRule(InvalidRequest, "the request is wrong", None, range(400, 500)),
    _VerdictRule(ServerError, "the service failed", None, range(500, 600)),
    _VerdictRule(
        ServerError,
        "the service failed",
        None,
        _SUCCESS,
        code=r"^internalerror|^systemerror|^(request|response)_?time_?out",
    ),
    _VerdictRule(Refused, "the service refused", None, _SUCCESS),
    _VerdictRule(
        Refused,
        "the answer points elsewhere, and calls do not follow",
        "check region or base_url",
        range(300, 400),
    ),
)


def judge(call: Call, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    """The content of a good answer; the error that a bad one stands for is raised."""
    body = decoded(content)
    if body is None and 200 <= status < 300 and not content.strip() and call.method == "DELETE":
        body = {}  # some deletes answer with nothing
    complaint = complaint_of(status, headers, body, content)
    if 200 <= status < 300 and body is None:
        raise unusable(Reply({}, complaint.request_id, call, status), "the answer cannot be read")
    if 200 <= status < 300 and body is not None and not complaint.code:
        return Reply(body, complaint.request_id, call, status)
    raise _error(call, complaint)


def unusable(reply: Reply, message: str) -> StudioError:
    """A success that says nothing. For a call that changed something, that is a lost answer."""
    lost = reply.call.effect is not CallEffect.READ
    return (LostAnswer if lost else ServerError)(
        message,
        method=reply.call.method,
        path=reply.call.path,
        status=reply.status,
        request_id=reply.request_id,
        hint="it may have had its effect" if lost else None,
    )


def _error(call: Call, complaint: ServiceComplaint) -> StudioError:
    rule = next(rule for rule in _RULES if rule.fits(complaint, call.effect))
    kind, message, hint = rule.error, rule.message, rule.hint
    if kind is NotFound and complaint.status == 404 and not complaint.readable:
        kind = InvalidRequest  # a gateway's 404 says nothing about the object
        message, hint = "there is no such path at this host", "check region or base_url"
    if kind is ServerError and call.effect is CallEffect.ONCE:
        kind, hint = LostAnswer, "it may have had its effect"
    return kind(
        message,
        method=call.method,
        path=call.path,
        status=complaint.status,
        code=complaint.code or None,
        service_message=complaint.message or complaint.plain or None,
        request_id=complaint.request_id,
        hint=hint,
        retry_after=complaint.retry_after,
    )
