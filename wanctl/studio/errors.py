"""Errors of the service: one tree of exceptions, each saying what is known of the effect.

    StudioError
    ├── Misconfigured           nothing was sent: the settings do not allow it
    │   ├── NoKey               no API key was found
    │   └── UntrustedEndpoint   the key is not sent to a host that only the specs name
    ├── Withheld                nothing was sent: the run that wanted it is to stop
    ├── Unreachable             nothing was sent: no connection came about
    ├── LostAnswer              a changing call was sent, no usable answer came: it may have had its effect
    ├── ServerError             a read met a fault of the service, or an answer that cannot be read
    ├── Throttled               too many calls; waiting helps
    │   └── Busy                too many jobs at work: it clears when one of them ends
    ├── QuotaExhausted          a limit that waiting never lifts
    │   └── Arrears             the account owes money
    ├── AuthError               the key, or what it may do
    ├── NotFound                the object is not there
    ├── Conflict                the name is taken
    ├── UnsupportedState        the object is in a state that does not allow this
    ├── InvalidRequest          the request itself is wrong
    └── Refused                 success by its status, failure by its content

Only after `LostAnswer` is it open whether the call had its effect. All others but `ServerError` on a
call that may be repeated say that it had none. Which answer becomes which error: `verdict.py`.
"""

from wanctl.base.errors import WanctlError
from wanctl.base.redaction import without_secrets

# ruff: noqa: N818 - the names say what happened; "Error" on each would add nothing


class StudioError(WanctlError):
    """A failed call, as one sentence for a person. Never holds the key or a signed URL."""

    def __init__(
        self,
        message: str,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        code: str | None = None,
        service_message: str | None = None,
        request_id: str | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(without_secrets(message), hint)
        self.method = method
        self.path = path
        self.status = status
        self.code = _shown(code)
        self.service_message = _shown(service_message)
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        call = " ".join(part for part in (self.method, self.path) if part)
        said = ": ".join(part for part in (self.code, self.service_message) if part)
        marks = [f"HTTP {self.status}" if self.status else "", self._spelled_request_id()]
        sentence = f"{call}: {self.message}" if call else self.message
        if said:
            sentence += f": {said}"
        if listed := ", ".join(mark for mark in marks if mark):
            sentence += f" ({listed})"
        return f"{sentence}; {self.remedy}" if self.remedy else sentence

    def _spelled_request_id(self) -> str:
        return f"request id {self.request_id}" if self.request_id else ""


def _shown(said: str | None) -> str | None:
    """The service's own words, without what is nobody's business."""
    return without_secrets(said) if said else said


class Misconfigured(StudioError):
    """Nothing was sent: what was configured does not allow it."""


class NoKey(Misconfigured):
    """No API key in any of the places where one may be."""


class UntrustedEndpoint(Misconfigured):
    """The key is sent to known hosts only, or to one that a person named outside the specs."""


class Withheld(StudioError):
    """The call waited for its turn and was not begun, for its run is to stop."""


class Unreachable(StudioError):
    """The call surely never left: no connection, no name, no TLS."""


class LostAnswer(StudioError):
    """A changing call was sent and no usable answer came. It may have had its effect: look before again."""


class ServerError(StudioError):
    """The service failed, or answered what cannot be read."""


class Throttled(StudioError):
    """Too many calls, or too many jobs at work. Clears by waiting."""


class Busy(Throttled):
    """All places are taken. Clears when a job ends, so after minutes or hours: nothing for a quick retry."""


class QuotaExhausted(StudioError):
    """A standing limit. Waiting never helps; the hint names what does."""


class Arrears(QuotaExhausted):
    """The account owes money; until it is paid nothing works."""


class AuthError(StudioError):
    """The key was not accepted, or may not do this."""


class NotFound(StudioError):
    """The service knows no such object."""


class Conflict(StudioError):
    """The name is taken already, possibly by us."""


class UnsupportedState(StudioError):
    """The object's state does not allow this."""


class InvalidRequest(StudioError):
    """The service understood the request and finds it wrong."""


class Refused(StudioError):
    """The answer looks like a success and is not."""
