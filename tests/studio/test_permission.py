"""What is asked right before a call that changes something leaves: after its turn came, before each try."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.studio.service import BASE, SECRET, job, native, native_error
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.errors import LostAnswer, Throttled, Withheld
from wanctl.studio.pace import LIMITS, Family
from wanctl.studio.regions import Endpoint

SLOW_DOWN = native_error(429, "Throttling.RateQuota", "Requests rate limit exceeded")
FILE = {"id": "file-1", "filename": "a.zip", "bytes": 3, "purpose": "fine-tune"}
ARCHIVE = Path(__file__)
CHANGES: dict[str, Callable[[Studio], Awaitable[Any]]] = {
    "upload": lambda studio: studio.files.upload(ARCHIVE, "a.zip"),
    "delete a file": lambda studio: studio.files.delete("file-1"),
    "train": lambda studio: studio.jobs.create({}),
    "cancel": lambda studio: studio.jobs.cancel("ft-1"),
    "delete a job": lambda studio: studio.jobs.delete("ft-1"),
    "export": lambda studio: studio.checkpoints.export("ft-1", "checkpoint-1", "a"),
    "deploy": lambda studio: studio.deployments.create({}),
    "scale": lambda studio: studio.deployments.scale("rain", 2),
    "delete a deployment": lambda studio: studio.deployments.delete("rain"),
}
READS: dict[str, Callable[[Studio], Awaitable[Any]]] = {
    "files": lambda studio: studio.files.get("file-1"),
    "jobs": lambda studio: studio.jobs.get("ft-1"),
    "checkpoints": lambda studio: studio.checkpoints.list("ft-1"),
    "deployments": lambda studio: studio.deployments.get("rain"),
}


class Gone(Exception):  # noqa: N818 - what is gone is the right to call
    """As a lease that was lost: nothing that the client knows of."""


class NotingAccount:
    """Turns the first call away, or breaks each off, if told to; notes in its order what was done."""

    def __init__(
        self, *, slow_down: bool = False, break_off: bool = False, refuse_at: int | None = None
    ) -> None:
        self.noted: list[str] = []
        self.asleep: Callable[[Studio], None] = lambda _: None
        self._slow_down = slow_down
        self._break_off = break_off
        self._refuse_at = refuse_at

    async def _permission(self) -> None:
        self.noted.append("asked")
        if self.noted.count("asked") == self._refuse_at:
            raise Gone

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.noted.append("sent")
        if self._slow_down and self.noted.count("sent") == 1:
            return SLOW_DOWN
        if self._break_off:
            raise httpx.ReadError("reset", request=request)
        if "compatible-mode" in str(request.url):
            return httpx.Response(200, json=FILE)
        if "/export/" in str(request.url):
            return native(True)
        return native({**job(), "deployed_model": "rain", "status": "RUNNING", "checkpoints": []})

    def run(self, *calls: Callable[[Studio], Awaitable[Any]]) -> list[Any]:
        async def sleep(_: float) -> None:
            self.noted.append("slept")
            self.asleep(studio)
            await asyncio.sleep(0)

        studio = Studio(
            Endpoint.parse(BASE),
            Key(SECRET),
            transport=httpx.MockTransport(self._handle),
            sleep=sleep,
            monotonic=lambda: 0.0,
            permission=self._permission,
        )

        async def work() -> list[Any]:
            async with studio:
                return await asyncio.gather(*(call(studio) for call in calls), return_exceptions=True)

        return asyncio.run(work())


@pytest.mark.parametrize("change", CHANGES)
def test_each_try_of_a_change_is_asked_for_right_before_it_leaves(change: str) -> None:
    account = NotingAccount(slow_down=True)
    account.run(CHANGES[change])
    assert account.noted == ["asked", "sent", "slept", "asked", "sent"]


@pytest.mark.parametrize("change", CHANGES)
def test_what_lost_its_right_between_two_tries_is_not_tried_again(change: str) -> None:
    account = NotingAccount(slow_down=True, refuse_at=2)
    (ended,) = account.run(CHANGES[change])
    assert isinstance(ended, Gone)
    assert account.noted.count("sent") == 1


@pytest.mark.parametrize("read", READS)
def test_reads_ask_nobody(read: str) -> None:
    account = NotingAccount(slow_down=True)
    account.asleep = lambda studio: studio.change_no_more()
    account.run(READS[read])
    assert account.noted == ["sent", "slept", "sent"]


@pytest.mark.parametrize("change", CHANGES)
def test_once_a_run_is_to_stop_a_change_is_not_tried_again(change: str) -> None:
    account = NotingAccount(slow_down=True)
    account.asleep = lambda studio: studio.change_no_more()
    (ended,) = account.run(CHANGES[change])
    assert isinstance(ended, Throttled), "what became of the call is what became of its first try"
    assert account.noted.count("sent") == 1


@pytest.mark.parametrize("change", ["delete a deployment", "delete a job", "delete a file", "cancel"])
def test_a_try_that_may_have_had_its_effect_is_not_forgotten_over_a_stop(change: str) -> None:
    account = NotingAccount(break_off=True)
    account.asleep = lambda studio: studio.change_no_more()
    (ended,) = account.run(CHANGES[change])
    assert isinstance(ended, LostAnswer)
    assert account.noted.count("sent") == 1


def test_what_waits_in_its_lane_is_asked_for_once_its_turn_came() -> None:
    """And not when it began to wait: by then it is another question."""
    at_once = LIMITS[Family.UPLOADS].starts or 0
    account = NotingAccount()
    account.asleep = lambda studio: studio.change_no_more()
    ended = account.run(*[CHANGES["upload"]] * (at_once + 1))
    assert account.noted.count("sent") == at_once
    assert [type(one) for one in ended if isinstance(one, Exception)] == [Withheld]
    assert account.noted[-2:] == ["slept", "asked"]
