"""One call over HTTP: sent, timed, logged, judged; reads and repeatable calls tried again.

The families (`files`, `jobs`, …) say what to call; here is how. A call that must not be made twice is
made once, and a lost answer is raised as such. The key is added here and nowhere else.
"""

import asyncio
import copy
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from wanctl.base.bounded import LONGEST_CALL, LONGEST_UPLOAD, PLAIN, read_bounded
from wanctl.base.net import PAST_PROXIES
from wanctl.base.redaction import keep_signatures_out_of_logs, without_secrets
from wanctl.studio.credentials import Key
from wanctl.studio.errors import (
    InvalidRequest,
    LostAnswer,
    Misconfigured,
    ServerError,
    StudioError,
    Unreachable,
    Withheld,
)
from wanctl.studio.pace import CALLS_AT_ONCE, Family, Pace, passes, retrying, surely_refused
from wanctl.studio.regions import Endpoint, check_workspace
from wanctl.studio.verdict import Call, CallEffect, Reply, judge

_log = logging.getLogger("wanctl.studio")

# Called after each call: its path, and the status, None if no answer came.
CallListener = Callable[[str, int | None], None]


def no_listener(path: str, status: int | None) -> None:
    """Who does not listen to the calls."""


# Asked right before a call that changes something leaves; raises what keeps it here.
Permission = Callable[[], Awaitable[None]]


async def always_allowed() -> None:
    """Who has nobody to ask."""


LONGEST_SHOWN = 100  # characters of a path that makes no URL
TIMEOUT = httpx.Timeout(connect=10, read=60, write=60, pool=None)
UPLOAD_TIMEOUT = httpx.Timeout(connect=10, read=900, write=300, pool=None)

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


@dataclass(frozen=True)
class StudioRequest:
    """A request of a family: a path under one of the two APIs, and what goes with it."""

    method: str
    path: str
    effect: CallEffect = CallEffect.READ
    params: Mapping[str, str | int] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    data: Mapping[str, str] | None = None
    files: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    compatible: bool = False
    timeout: httpx.Timeout | None = None
    family: Family = Family.CALLS


def segment(name: str) -> str:
    """A name as one segment of a path. Dots alone would climb, so they are encoded too."""
    try:
        return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")
    except UnicodeEncodeError:
        raise InvalidRequest("what it names has half a letter, and fits into no URL") from None


class StudioConnection:
    """A connection pool to one endpoint with one key, and the rules for trying again."""

    def __init__(
        self,
        endpoint: Endpoint,
        key: Key,
        *,
        workspace: str | None,
        transport: httpx.AsyncBaseTransport | None,
        pace: Pace,
        user_agent: str,
        on_call: CallListener = no_listener,
        permission: Permission = always_allowed,
    ) -> None:
        endpoint.require_trust()
        keep_signatures_out_of_logs()
        self.endpoint = endpoint
        self._auth = _Bearer(key)
        self._pace = pace
        self._on_call = on_call
        self._permission = permission
        self._changing = True
        self._borrowed = False
        headers = {"User-Agent": user_agent, "Accept": "application/json"}
        if workspace:
            headers["X-DashScope-WorkSpace"] = check_workspace(workspace)
        self._http = open_http(endpoint, transport, headers, _trusted_by(endpoint))

    def shared_with(
        self, owner: str, on_call: CallListener = no_listener, permission: Permission = always_allowed
    ) -> "StudioConnection":
        """The same connections, key and pace, for one of several projects; it closes nothing."""
        shared = copy.copy(self)
        shared._pace = self._pace.shared_with(owner)  # noqa: SLF001 - its own copy
        shared._on_call, shared._permission = on_call, permission  # noqa: SLF001 - likewise
        shared._changing, shared._borrowed = True, True  # noqa: SLF001 - likewise
        return shared

    @property
    def pace(self) -> Pace:
        return self._pace

    async def close(self) -> None:
        if not self._borrowed:
            await self._http.aclose()

    def change_no_more(self) -> None:
        self._changing = False

    async def call(self, request: StudioRequest) -> Reply:
        """The answer, after as many tries as the call's effect allows."""
        worth = surely_refused if request.effect is CallEffect.ONCE else passes
        faults: list[StudioError] = []

        async def attempt() -> Reply:
            try:
                return await self._send(request)
            except StudioError as error:
                faults.append(error)
                raise

        try:
            return await retrying(attempt, self._pace, worth)
        except Withheld as withheld:
            before = faults[:-1]  # a try that was made: whether it had an effect is what is to be reported
            raise (before or [withheld])[-1] from None

    async def _send(self, request: StudioRequest) -> Reply:
        url = self._url(request)
        call = Call(request.method, url.raw_path.decode("ascii"), request.effect)
        async with self._pace.turn(request.family):
            await self._may_leave(call)
            started = time.perf_counter()
            try:
                status, headers, content = await self._answered(request, url)
            except httpx.HTTPError as error:
                _log.info("%s %s: no answer (%s)", call.method, call.path, type(error).__name__)
                self._on_call(call.path, None)
                raise broken_off(call, error) from error
            except httpx.InvalidURL as error:
                raise _no_url(request, error) from None
        spent = time.perf_counter() - started
        self._on_call(call.path, status)
        try:
            reply = judge(call, status, headers, content)
        except StudioError as error:
            _note(call, status, error.request_id, spent)
            raise
        _note(call, reply.status, reply.request_id, spent)
        return reply

    async def _answered(self, request: StudioRequest, url: httpx.URL) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content, within a time for all of it."""
        longest = LONGEST_UPLOAD if request.files else LONGEST_CALL
        try:
            async with (
                asyncio.timeout(longest),
                self._http.stream(
                    request.method,
                    url,
                    params=dict(request.params) or None,
                    json=request.json,
                    data=request.data,
                    files=request.files,
                    headers={**PLAIN, **request.headers},
                    timeout=request.timeout or TIMEOUT,
                    auth=self._auth,
                ) as response,
            ):
                return response.status_code, response.headers, await read_bounded(response)
        except TimeoutError:
            raise httpx.ReadTimeout(f"the whole answer did not come within {longest:g} s") from None

    async def _may_leave(self, call: Call) -> None:
        """Asked last: what a call waited for (its turn, the next try) may have taken longer than the right
        to make it lasts."""
        if call.effect is CallEffect.READ:
            return
        await self._permission()
        if not self._changing:
            raise Withheld("not begun, for this run is to stop", method=call.method, path=call.path)

    def _url(self, request: StudioRequest) -> httpx.URL:
        base = self.endpoint.compatible if request.compatible else self.endpoint.native
        try:
            return httpx.URL(base + request.path)
        except httpx.InvalidURL as error:
            raise _no_url(request, error) from None


def open_http(
    endpoint: Endpoint,
    transport: httpx.AsyncBaseTransport | None,
    headers: Mapping[str, str],
    verify: ssl.SSLContext | bool = True,
) -> httpx.AsyncClient:
    """A client that goes through the environment's proxies, but never to this machine through one."""
    own = {f"all://{endpoint.host}"} if endpoint.loopback and ":" not in endpoint.host else set()
    try:
        return httpx.AsyncClient(
            transport=transport,
            headers=headers,
            timeout=TIMEOUT,
            follow_redirects=False,
            verify=verify,
            limits=httpx.Limits(max_connections=CALLS_AT_ONCE, max_keepalive_connections=CALLS_AT_ONCE),
            mounts=dict.fromkeys({*PAST_PROXIES, *own}),
        )
    except (ValueError, httpx.InvalidURL, ImportError):  # its words may quote a password
        hint = "correct HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or unset them"
        raise Misconfigured("a proxy in the environment is none that can be used", hint=hint) from None


def _trusted_by(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """Who is believed over https. For calls over http to this machine no list of authorities is read."""
    plain = endpoint.loopback and endpoint.scheme == "http"
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True


def _no_url(request: StudioRequest, error: httpx.InvalidURL) -> StudioError:
    """Nothing was sent: an id of the service, say, is too long for a path."""
    shown = request.path if len(request.path) <= LONGEST_SHOWN else f"{request.path[:LONGEST_SHOWN]}…"
    return InvalidRequest(f"what it names fits into no URL ({error})", method=request.method, path=shown)


def broken_off(call: Call, error: httpx.HTTPError) -> StudioError:
    """The error for a fault of the connection, by whether the call had left, and by what it does."""
    kind, message, hint = _meaning(call, error)
    reason = without_secrets(str(error)) or type(error).__name__
    return kind(f"{message} ({reason})", method=call.method, path=call.path, hint=hint)


def _host(error: httpx.HTTPError) -> str:
    try:
        return error.request.url.netloc.decode("ascii")
    except RuntimeError:  # it never came to a request
        return "the service"


def _meaning(call: Call, error: httpx.HTTPError) -> tuple[type[StudioError], str, str | None]:
    if isinstance(error, _NEVER_LEFT):
        return Unreachable, f"{_host(error)} cannot be reached", "check the network, region and base_url"
    if call.effect is CallEffect.READ:
        return ServerError, "no usable answer came", None
    return LostAnswer, "the call was sent and no usable answer came", "it may have had its effect"


def _note(call: Call, status: int, request_id: str | None, seconds: float) -> None:
    _log.info(
        "%s %s → %d, request id %s, %d ms", call.method, call.path, status, request_id or "-", seconds * 1000
    )


class _Bearer(httpx.Auth):
    """Puts the key on a request as it leaves, so that it stands in no variable on the way."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request
