"""Where a project's account is: Model Studio over HTTPS, or the embedded sandbox in this very process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from wanctl.base.running import Clock
from wanctl.engine.gates import Gate
from wanctl.engine.observe import ReadLists
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.settings import Provider, Settings
from wanctl.project.errors import ProjectError
from wanctl.project.host import Host
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.regions import Endpoint, region_named
from wanctl.studio.wire import CallListener, Permission, always_allowed, no_listener

if TYPE_CHECKING:
    from wanctl.sandbox import Sandbox

SANDBOX_ENDPOINT = "http://127.0.0.1"
_Result = TypeVar("_Result")
SHORTEST_NAP = 0.1  # real seconds between two looks at a sandbox that runs fast


class WallClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SandboxTime:
    """The sandbox's time: sped up, or standing still until somebody waits."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    def now(self) -> datetime:
        return self._sandbox.now()

    async def sleep(self, seconds: float) -> None:
        speed = self._sandbox.speed
        if speed == "instant":
            self._sandbox.advance(timedelta(seconds=seconds))
            return
        await asyncio.sleep(max(seconds / speed, SHORTEST_NAP))

    async def back_off(self, seconds: float) -> None:
        """Between two tries of a read: no account time, and none at all where time is instant."""
        speed = self._sandbox.speed
        await asyncio.sleep(0 if speed == "instant" else seconds / speed)


@dataclass(frozen=True)
class OpenAccount:
    """A connection to the account, and its time."""

    studio: Studio
    clock: Clock
    begun_since: Callable[[float], Awaitable[Snapshot]] | None = (
        None  # lists that are read for several projects
    )

    async def aside(self, work: Callable[[], _Result]) -> _Result:
        """What blocks: where other projects are in this loop, in a thread."""
        return await asyncio.to_thread(work) if self.begun_since else work()

    def lists(self, since: float | None) -> ReadLists | None:
        """How a run reads lists that it shares with others: no older than `since`, else than its asking."""
        begun_since = self.begun_since
        if begun_since is None:
            return None
        return lambda: begun_since(time.monotonic() if since is None else since)


def endpoint_name(settings: Settings, host: Host) -> str:
    """The account that the ledger is bound to: records of one account never speak for another. The host of a
    workspace is another way to the same account as its region's."""
    if embedded(settings):
        return "sandbox"
    endpoint = resolve_endpoint(settings, host)
    region = None if host.base_url or settings.base_url else region_named(settings.region)
    return region.base_url if region and region.workspace_url else endpoint.base_url


def resolve_endpoint(settings: Settings, host: Host) -> Endpoint:
    """An endpoint named outside the specs wins; the specs' own has to be a known host."""
    if host.base_url:
        return Endpoint.parse(host.base_url, named_outside_specs=True)
    if settings.base_url:
        return Endpoint.parse(settings.base_url)
    return Endpoint.for_region(settings.region, settings.workspace)


def place_name(settings: Settings, host: Host) -> str | None:
    """Where the account is, as a person says it; None for the sandbox in this very process."""
    if embedded(settings):
        return None
    if host.base_url or settings.base_url:
        endpoint = resolve_endpoint(settings, host)
        return f"{endpoint.host}:{endpoint.port}" if endpoint.port else endpoint.host
    return settings.region


def place_gate(settings: Settings, host: Host) -> Gate:
    """Puts into each plan its place, which only the machine tells for sure."""
    place = place_name(settings, host)
    return lambda plan, _: replace(plan, place=place)


def embedded(settings: Settings) -> bool:
    """The sandbox runs in this very process."""
    return settings.provider is Provider.SANDBOX and settings.base_url is None


def needs_key(settings: Settings) -> bool:
    """Only the real service asks for one."""
    return settings.provider is Provider.MODEL_STUDIO


Connect = Callable[[Settings, Path, Host, CallListener, Permission], AbstractAsyncContextManager[OpenAccount]]


@asynccontextmanager
async def connect(
    settings: Settings,
    state: Path,
    host: Host,
    on_call: CallListener = no_listener,
    permission: Permission = always_allowed,
) -> AsyncIterator[OpenAccount]:
    """Open the account for one run; `on_call` is told of each call, `permission` asked before each change."""
    if not embedded(settings):
        async with open_studio(settings, host, on_call, permission) as studio:
            yield OpenAccount(studio, WallClock())
        return
    sandbox = open_sandbox(settings, state)
    try:
        clock = SandboxTime(sandbox)
        async with Studio(
            Endpoint.parse(SANDBOX_ENDPOINT),
            Key("sandbox"),
            transport=httpx.ASGITransport(app=sandbox.app),
            sleep=clock.back_off,
            on_call=on_call,
            permission=permission,
        ) as studio:
            yield OpenAccount(studio, clock)
    finally:
        sandbox.close()


def open_studio(
    settings: Settings,
    host: Host,
    on_call: CallListener = no_listener,
    permission: Permission = always_allowed,
) -> Studio:
    """The account over HTTP; a sandbox there takes any key."""
    key = Key("sandbox") if settings.provider is Provider.SANDBOX else host.api_key()
    endpoint = resolve_endpoint(settings, host)
    return Studio(endpoint, key, workspace=settings.workspace, on_call=on_call, permission=permission)


def open_sandbox(settings: Settings, state: Path) -> "Sandbox":
    """The embedded service, with its state beside the ledger."""
    import sqlite3

    from wanctl.sandbox import Sandbox

    options, place = settings.sandbox, state / "sandbox"
    try:
        return Sandbox.open(
            place,
            speed=options.speed,
            seed=options.seed,
            start=options.start,
            strict=options.strict,
            trains_at_once=options.trains_at_once,
        )
    except (OSError, sqlite3.Error) as error:
        raise ProjectError(
            f"the sandbox keeps its account in {place}, which cannot be opened and written: {error}. "
            "Run wanctl as whoever may write there; in a container, with the folder's owner as its user."
        ) from error


async def call_sandbox(
    sandbox: "Sandbox", method: str, path: str, body: object | None, upload: tuple[str, bytes] | None = None
) -> tuple[int, str]:
    """One raw request, as anybody else who has a key of the account could send it."""
    more: dict[str, Any] = {"json": body}
    if upload:
        more = {"files": {"file": upload}, "data": {"purpose": "fine-tune"}}
    transport = httpx.ASGITransport(app=sandbox.app)
    headers = {"Authorization": "Bearer somebody-else"}
    async with httpx.AsyncClient(transport=transport, base_url=SANDBOX_ENDPOINT, headers=headers) as client:
        answer = await client.request(method, path, **more)
    return answer.status_code, answer.text
