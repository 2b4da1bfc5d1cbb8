"""What is tried again, how often, and how long it waits in between."""

import asyncio

import httpx
import pytest

from tests.studio.service import Service, job, native, native_error, serve
from wanctl.studio.client import Studio
from wanctl.studio.errors import LostAnswer, ServerError, StudioError
from wanctl.studio.objects import Job

PASSING = [
    httpx.Response(500),
    httpx.Response(503, text="<html>"),
    native_error(429, "Throttling.RateQuota", "slow down"),
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("reset"),
    httpx.Response(200, text="{"),
]


async def read(studio: Studio) -> Job:
    return await studio.jobs.get("ft-1")


@pytest.mark.parametrize("fault", PASSING)
def test_a_read_is_tried_again_after_a_fault_that_passes(fault: httpx.Response | Exception) -> None:
    service = serve(fault, fault, native(job()))
    assert service.ask(read).job_id == "ft-1"
    assert len(service.requests) == 3
    assert len(service.slept) == 2


def test_a_read_gives_up_after_five_tries() -> None:
    service = serve(httpx.Response(500))
    with pytest.raises(ServerError):
        service.ask(read)
    assert len(service.requests) == 5
    assert len(service.slept) == 4
    assert all(0 < seconds <= 16 for seconds in service.slept)


@pytest.mark.parametrize(
    "answer",
    [
        native_error(404, "NotFound", "Not found!"),
        native_error(400, "InvalidParameter", "no"),
        native_error(401, "InvalidApiKey", "no"),
        native_error(409, "Conflict", "no"),
        native_error(429, "Throttling", "Only 20 fine-tune job in running or succeeded allowed per user."),
        native_error(429, "CommodityNotPurchased", "no"),
    ],
)
def test_what_does_not_pass_is_not_tried_again(answer: httpx.Response) -> None:
    service = serve(answer)
    with pytest.raises(StudioError):
        service.ask(read)
    assert len(service.requests) == 1


def test_it_waits_as_long_as_the_service_asks_for_within_reason() -> None:
    asked = native_error(429, "Throttling", "slow down", **{"retry-after": "7"})
    too_long = native_error(429, "Throttling", "slow down", **{"retry-after": "86400"})
    date = native_error(429, "Throttling", "slow", **{"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"})
    service = serve(asked, too_long, date, native(job()))
    service.ask(read)
    assert service.slept[:2] == [7, 60]
    assert service.slept[2] <= 16


def test_a_delete_and_a_cancel_are_tried_again() -> None:
    service = serve(httpx.ReadError("reset"), native({"status": "success"}))
    service.ask(lambda studio: studio.jobs.cancel("ft-1"))
    assert len(service.requests) == 2
    service = serve(httpx.ReadError("reset"), native_error(404, "NotFound", "Not found!"))
    assert service.ask(lambda studio: studio.deployments.delete("m-1")).value is None
    assert len(service.requests) == 2


def test_a_scale_whose_answer_was_lost_is_not_tried_again() -> None:
    service = serve(httpx.ReadError("reset"))
    with pytest.raises(LostAnswer):
        service.ask(lambda studio: studio.deployments.scale("m-1", 2))
    assert len(service.requests) == 1


def test_only_so_many_calls_are_made_at_once() -> None:
    at_work, most = 0, 0

    class Slow(Service):
        async def _handle(self, request: httpx.Request) -> httpx.Response:
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            for _ in range(3):
                await asyncio.sleep(0)
            at_work -= 1
            return await super()._handle(request)

    async def many(studio: Studio) -> None:
        await asyncio.gather(*(studio.jobs.get(f"ft-{number}") for number in range(50)))

    Slow(lambda _: native(job())).ask(many)
    assert most == 8
