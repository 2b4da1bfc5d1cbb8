"""One call to a forge's REST API: sent with its token, tried again on faults that pass, judged.

The whole answer has a time and a size, however it comes. The token goes to the API's own address and nowhere
else: redirects are not followed, and no message holds it.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from wanctl import __version__
from wanctl.base.backoff import AskedBackoff
from wanctl.base.bounded import PLAIN, OutOfBounds, read_bounded
from wanctl.base.errors import WanctlError
from wanctl.base.net import PAST_PROXIES
from wanctl.base.redaction import without_secrets
from wanctl.base.running import run
from wanctl.forge.forge import Token

_log = logging.getLogger("wanctl.forge")

TRIES = 4
LONGEST_SAID = 2_000  # characters of its own words that are looked at
PATIENCE = 60.0  # seconds: the longest wait between two tries; a forge that asks for more is not asked again
FULL_PAGE, MOST_PAGES = 100, 100
TIMEOUT = httpx.Timeout(30, connect=10)
LONGEST_CALL = 120.0  # seconds from the call to the last byte of its answer
SILENCES = 2  # calls that are waited for in vain; one more would hold the run up for what it can do without
_RATE_LIMITED = {403, 429}
_OF_THE_WAY = {"content-encoding", "content-length", "transfer-encoding"}  # the content is as it was meant


class ForgeError(WanctlError):
    """A call that failed, as one sentence for a person."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class PassingError(ForgeError):
    """The forge is busy or away: the same call may do a moment later."""


class RefusedError(ForgeError):
    """The token may not do this."""


class ForgeConnection:
    """A connection to one forge's API."""

    def __init__(
        self,
        api: str,
        token: Token,
        headers: Mapping[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api.rstrip("/")
        self._token = token
        self._sleep = sleep
        self._silences = 0
        self._headers = {"User-Agent": f"wanctl/{__version__}", **PLAIN, **headers}

    def again(self, attempt: Callable[[], Any]) -> Any:
        """The attempt's result, tried again on faults that pass, with growing and random waits between."""
        tries = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(TRIES),
            wait=AskedBackoff(multiplier=1, least=0.5, most=16, patience=PATIENCE),
            retry=retry_if_exception_type(PassingError),
            reraise=True,
        )
        return tries(attempt)

    def call(self, method: str, path: str, **more: Any) -> Any:
        """The answer of a call that may be repeated, as JSON."""
        try:
            return self.again(lambda: self.once(method, path, **more))
        except PassingError as error:  # it did not pass, so whoever called need not try all over again
            raise ForgeError(f"{error}, {TRIES} times", status=error.status) from error

    def once(self, method: str, path: str, *, api: str | None = None, **more: Any) -> Any:
        """The answer of one try: whoever calls decides whether another one would do the same again.

        `api` is another base address on the same server.
        """
        spoken = f"{method} {path}"
        try:
            response = run(self._asked(method, (api or self._api) + path, more))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, OverflowError) as error:
            raise ForgeError(f"{self._api} is no address of an API") from error
        except httpx.LocalProtocolError as error:  # such as a token with a line's end in it
            raise ForgeError(
                f"{spoken}: cannot be sent ({type(error).__name__}); look at the token"
            ) from error
        except httpx.TimeoutException as error:
            self._silences += 1
            kind = PassingError if self._silences < SILENCES else ForgeError
            raise kind(f"{spoken}: no answer ({type(error).__name__})") from error
        except OutOfBounds as error:
            raise ForgeError(f"{spoken}: {error}") from error
        except httpx.HTTPError as error:
            raise PassingError(f"{spoken}: no answer ({type(error).__name__})") from error
        _log.info("%s → %d", spoken, response.status_code)
        return _judged(spoken, response)

    async def _asked(self, method: str, url: str, more: Mapping[str, Any]) -> httpx.Response:
        """The answer with its whole content."""
        client = httpx.AsyncClient(
            headers=self._headers,
            timeout=TIMEOUT,
            follow_redirects=False,
            mounts=dict.fromkeys(PAST_PROXIES),  # never to this machine through a proxy
        )
        try:
            async with (
                asyncio.timeout(LONGEST_CALL),
                client,
                client.stream(method, url, auth=self._signed, **more) as answer,
            ):
                content = await read_bounded(answer)
        except TimeoutError:
            raise httpx.ReadTimeout(f"the whole answer did not come within {LONGEST_CALL:g} s") from None
        told = {name: value for name, value in answer.headers.items() if name not in _OF_THE_WAY}
        return httpx.Response(answer.status_code, headers=told, content=content)

    def pages(self, path: str, **params: str | int) -> list[Any]:
        """Every entry of a list, a hundred at a time, until a page is not full."""
        entries: list[Any] = []
        for page in range(1, MOST_PAGES + 1):
            found = self.call("GET", path, params={**params, "per_page": FULL_PAGE, "page": page})
            if not isinstance(found, list):
                raise ForgeError(f"GET {path}: the answer is no list")
            entries += found
            if len(found) < FULL_PAGE:
                return entries
        raise ForgeError(f"GET {path}: the list does not end after {len(entries):,} entries")

    def _signed(self, request: httpx.Request) -> httpx.Request:
        """Put the token on a request as it leaves, so that it stands in no variable on the way."""
        request.headers[self._token.header] = self._token.reveal()
        return request


def _judged(spoken: str, response: httpx.Response) -> Any:
    status = response.status_code
    if response.is_success:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise PassingError(f"{spoken}: the answer is no JSON (HTTP {status})", status=status) from None
    said = _said(response)
    sentence = f"{spoken}: HTTP {status}{': ' + said if said else ''}"
    limited = status == 429 or (status in _RATE_LIMITED and _rate_limited(response, said))
    if status >= 500 or limited:
        asked = _retry_after(response)
        if asked is not None and asked > PATIENCE:  # asking again sooner makes it longer
            raise ForgeError(f"{sentence}; not before {asked:.0f} s from now", status=status)
        raise PassingError(sentence, status=status, retry_after=asked)
    if status in {401, 403, 404}:  # 404 is how a forge says that a token may not even look
        raise RefusedError(sentence, status=status)
    raise ForgeError(sentence, status=status)


def _rate_limited(response: httpx.Response, said: str) -> bool:
    """GitHub says with a 403 that calls came too fast; such an answer clears by waiting."""
    return (
        "retry-after" in response.headers
        or response.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in said.lower()
    )


def _said(response: httpx.Response) -> str:
    """The forge's own words, one short line of them."""
    try:
        body = response.json()
    except ValueError:
        return ""
    said = (body.get("message") or body.get("error")) if isinstance(body, dict) else None
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False) if said else ""
    return " ".join(without_secrets(text[:LONGEST_SAID]).split())[:200]


def _retry_after(response: httpx.Response) -> float | None:
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else None
