"""The API of one cluster, as coroutines: objects read, listed, written on conditions, and deleted.

A read is tried again when it fails; a write only where it surely had no effect. One whose answer was lost
is raised as NoAnswerError: whoever sent it reads the object and sees. Objects are plain JSON; what they mean
is the business of those who ask. Watching is in `watching`.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, stop_before_delay

from wanctl import __version__
from wanctl.base.backoff import AskedBackoff, said_in
from wanctl.base.bounded import PLAIN, read_bounded
from wanctl.base.net import PAST_PROXIES
from wanctl.base.redaction import keep_signatures_out_of_logs, without_secrets
from wanctl.kubernetes.access import ClusterAccess, TokenSource
from wanctl.kubernetes.errors import (
    ClusterBusyError,
    ClusterConfigError,
    ClusterUnreachableError,
    KubernetesError,
    NoAnswerError,
    VersionGoneError,
)
from wanctl.kubernetes.resources import KubeObject, ResourceType, name_of, namespace_of
from wanctl.kubernetes.verdict import KubeCall, judge_answer

_log = logging.getLogger("wanctl.kubernetes")

TRIES = 4
PATIENCE = 20.0  # seconds: the longest wait between two tries, whatever the cluster asks for
LONGEST_TRY = 30.0  # seconds from one call to the last byte of its answer
LAST_TRY = 60.0  # no try begins later than this
PAGE = 500  # objects of one answer
CALLS_AT_ONCE = 16
TIMEOUT = httpx.Timeout(connect=5, read=20, write=20, pool=None)
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
_UNAUTHORIZED, _TOO_MANY = 401, 429
_JSON, _MERGE, _APPLY = (
    "application/json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",  # JSON is YAML
)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class FoundObjects:
    """All objects of a list, and the version at which the list was read."""

    items: tuple[KubeObject, ...]
    version: str


@dataclass(frozen=True)
class KubeRequest:
    """A request of the API, before anything of the connection is added."""

    method: str
    path: str
    call: KubeCall
    params: Mapping[str, str] = field(default_factory=dict)
    body: KubeObject | None = field(default=None, repr=False)  # it may be a Secret
    form: str = _JSON

    @property
    def reads(self) -> bool:
        return self.method == "GET"


class KubernetesClient:
    """A connection pool to one cluster, and the rules for trying again. Belongs to one event loop."""

    def __init__(
        self,
        access: ClusterAccess,
        *,
        manager: str = "wanctl",
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        keep_signatures_out_of_logs()
        self.access = access
        self.manager = manager
        self._sleep = sleep
        self._auth = _ClusterBearer(access.token)
        self._extensions = {"sni_hostname": access.server_name} if access.server_name else {}
        headers = {"User-Agent": f"wanctl/{__version__}", "Accept": _JSON, **PLAIN}
        try:
            self._http = httpx.AsyncClient(
                transport=transport,
                headers=headers,
                timeout=TIMEOUT,
                follow_redirects=False,
                verify=access.trust,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=CALLS_AT_ONCE),
                mounts=dict.fromkeys(PAST_PROXIES),
            )
        except (ValueError, httpx.InvalidURL, ImportError):  # its words may quote a password
            raise ClusterConfigError(
                "a proxy in the environment is none that can be used",
                "correct HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or unset them",
            ) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def pause(self, seconds: float) -> None:
        """By the clock that was given."""
        await self._sleep(seconds)

    async def get(self, what: ResourceType, name: str, namespace: str | None = None) -> KubeObject:
        """One object; NoSuchObjectError where there is none."""
        path = what.path(self._inside(what, namespace), name)
        return await self.send(KubeRequest("GET", path, self._call("get", what, namespace, name)))

    async def list(
        self,
        what: ResourceType,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
        page: int = PAGE,
    ) -> FoundObjects:
        """All objects of this kind, in one namespace, or in all of them (None). When the cluster forgets the
        list while its pages are read, it is read from the start again, at once in one piece."""
        try:
            return await self._pages(what, namespace, labels, fields, page)
        except VersionGoneError:
            return await self._pages(what, namespace, labels, fields, 0)

    async def create(self, what: ResourceType, item: KubeObject) -> KubeObject:
        """Make this object; ObjectExistsError where its name is taken."""
        namespace = self._inside(what, namespace_of(item))
        call = self._call("create", what, namespace, name_of(item))
        return await self.send(
            KubeRequest("POST", what.path(namespace), call, self._managed(), self._typed(what, item))
        )

    async def replace(self, what: ResourceType, item: KubeObject, *, part: str | None = None) -> KubeObject:
        """Write the whole object, if it is still of the resourceVersion in it; else StaleVersionError. One
        without a resourceVersion is not sent: it would be written over whatever is there."""
        if not item.get("metadata", {}).get("resourceVersion"):
            raise ClusterConfigError(f"{what.kind} {name_of(item)} has no resourceVersion to be replaced by")
        namespace = self._inside(what, namespace_of(item))
        path = what.path(namespace, name_of(item), part)
        call = self._call("update", what, namespace, name_of(item))
        return await self.send(KubeRequest("PUT", path, call, self._managed(), self._typed(what, item)))

    async def patch(
        self,
        what: ResourceType,
        name: str,
        changes: KubeObject,
        namespace: str | None = None,
        *,
        part: str | None = None,
    ) -> KubeObject:
        """Lay these changes over the object (a merge patch: None takes a field away). With a resourceVersion
        in their metadata only if it is still of that version."""
        inside = self._inside(what, namespace)
        path, call = what.path(inside, name, part), self._call("patch", what, inside, name)
        return await self.send(KubeRequest("PATCH", path, call, self._managed(), changes, _MERGE))

    async def apply(
        self,
        what: ResourceType,
        item: KubeObject,
        *,
        part: str | None = None,
        force: bool = False,
        dry_run: bool = False,
    ) -> KubeObject:
        """Server-side apply: these fields are ours, in an object that is made where there is none. A field
        that another manager has is a StaleVersionError, unless it is taken over by force. A dry run is
        checked by the cluster, and changes nothing."""
        namespace = self._inside(what, namespace_of(item))
        params = {**self._managed(), "force": "true" if force else "false"}
        if dry_run:
            params["dryRun"] = "All"
        path, call = (
            what.path(namespace, name_of(item), part),
            self._call("apply", what, namespace, name_of(item)),
        )
        return await self.send(KubeRequest("PATCH", path, call, params, self._typed(what, item), _APPLY))

    async def delete(
        self,
        what: ResourceType,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        version: str | None = None,
        propagation: str | None = None,
    ) -> KubeObject:
        """Delete it, if it is still this very one. The answer may be the object, which lives on for its
        finalizers."""
        inside = self._inside(what, namespace)
        conditions = {key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value}
        body: KubeObject = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if conditions:
            body["preconditions"] = conditions
        if propagation:
            body["propagationPolicy"] = propagation
        call = self._call("delete", what, inside, name)
        return await self.send(KubeRequest("DELETE", what.path(inside, name), call, body=body))

    async def send(self, request: KubeRequest) -> KubeObject:
        """The answer, after as many tries as the call's effect allows."""
        tries = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(TRIES) | stop_before_delay(LAST_TRY),
            wait=AskedBackoff(multiplier=0.5, least=0.1, most=PATIENCE, patience=PATIENCE),
            retry=retry_if_exception(lambda error: _again(request, error)),
            before_sleep=said_in(_log, TRIES),
            reraise=True,
        )
        async for one in tries:
            with one:
                return await self._send_once(request)
        raise AssertionError("tenacity returns or raises")

    @asynccontextmanager
    async def stream(self, request: KubeRequest, silence: float) -> AsyncIterator[httpx.Response]:
        """An answer that goes on; it ends after so many seconds in which nothing came."""
        timeout = httpx.Timeout(connect=TIMEOUT.connect, read=silence, write=TIMEOUT.write, pool=None)
        async with self._http.stream(
            request.method,
            self._url(request),
            params=dict(request.params),
            auth=self._auth,
            timeout=timeout,
            extensions=self._extensions,
        ) as response:
            yield response

    async def _send_once(self, request: KubeRequest) -> KubeObject:
        content = None if request.body is None else json.dumps(request.body).encode()
        headers = {"Content-Type": request.form} if content is not None else {}
        started = time.perf_counter()
        try:
            async with (
                asyncio.timeout(LONGEST_TRY),
                self._http.stream(
                    request.method,
                    self._url(request),
                    params=dict(request.params),
                    content=content,
                    headers=headers,
                    auth=self._auth,
                    extensions=self._extensions,
                ) as response,
            ):
                answer = await read_bounded(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise broken(request, error) from error
        spent = (time.perf_counter() - started) * 1000
        _log.info("%s → %d, %d ms", request.call, response.status_code, spent)
        return judge_answer(request.call, response.status_code, response.headers, answer)

    async def _pages(
        self, what: ResourceType, namespace: str | None, labels: str | None, fields: str | None, page: int
    ) -> FoundObjects:
        call = self._call("list", what, namespace, None)
        params = selection(labels, fields) | ({"limit": str(page)} if page else {})
        items: list[KubeObject] = []
        while True:
            answer = await self.send(KubeRequest("GET", what.path(namespace), call, params))
            about = answer.get("metadata") or {}
            items += [self._typed(what, one) for one in answer.get("items") or ()]
            if not (goes_on := about.get("continue")):
                return FoundObjects(tuple(items), str(about.get("resourceVersion", "")))
            params = {**params, "continue": str(goes_on)}

    def _url(self, request: KubeRequest) -> str:
        return self.access.server + request.path

    def _inside(self, what: ResourceType, namespace: str | None) -> str | None:
        return (namespace or self.access.namespace) if what.namespaced else None

    def _call(self, verb: str, what: ResourceType, namespace: str | None, name: str | None) -> KubeCall:
        return KubeCall(verb, what.labelled(namespace, name))

    def _managed(self) -> dict[str, str]:
        return {"fieldManager": self.manager}

    def _typed(self, what: ResourceType, item: KubeObject) -> KubeObject:
        """Items of a list come without what they are."""
        return {"apiVersion": what.api_version, "kind": what.kind, **item}


def selection(labels: str | None, fields: str | None) -> dict[str, str]:
    """Which objects of a list, as parameters."""
    chosen = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in chosen.items() if value}


def broken(request: KubeRequest, error: Exception) -> KubernetesError:
    """The error for a fault of the connection, by whether the call had left, and by what it does."""
    reason = without_secrets(str(error)) or type(error).__name__
    if isinstance(error, _NEVER_LEFT):
        return ClusterUnreachableError(
            f"{request.call}: the cluster cannot be reached ({reason})",
            "check the network and the kubeconfig",
        )
    if request.reads:
        return ClusterBusyError(f"{request.call}: no usable answer came ({reason})")
    return NoAnswerError(f"{request.call}: it was sent, and no usable answer came ({reason})")


def _again(request: KubeRequest, error: BaseException) -> bool:
    """It surely had no effect, or has none."""
    if isinstance(error, ClusterUnreachableError):
        return True
    return isinstance(error, ClusterBusyError) and (request.reads or error.status == _TOO_MANY)


class _ClusterBearer(httpx.Auth):
    """Puts the token on a request as it leaves. A refused one is read again, once: it may be replaced."""

    def __init__(self, token: TokenSource) -> None:
        self._token = token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        before = self._put(request)
        response = yield request
        if response.status_code != _UNAUTHORIZED or not self._token.renewable:
            return
        if self._put(request, anew=True) != before:
            yield request

    def _put(self, request: httpx.Request, *, anew: bool = False) -> str | None:
        token = self._token.current(anew=anew)
        if token is None:
            return None
        request.headers["Authorization"] = f"Bearer {token.reveal()}"
        return token.reveal()
