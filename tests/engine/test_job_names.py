"""The mark in a job's name is ours to send and the service's to refuse: however it does, it trains once."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.studio.service import Service, job, native, native_error, serve
from wanctl.address import Address
from wanctl.kinds.acting import CallResult, Tools
from wanctl.kinds.finetune.training import Train
from wanctl.ledger.record import Entry
from wanctl.studio.client import Studio
from wanctl.studio.errors import InvalidRequest

BODY = {
    "model": "wan2.6-i2v",
    "training_file_ids": ["file-1"],
    "hyper_parameters": {"n_epochs": 400},
    "job_name": "ours--rain--0123456789abcdef",
}
DETAIL = {"detail": [{"loc": ["body", "job_name"], "msg": "Extra inputs are not permitted"}]}


def train(service: Service) -> CallResult:
    act = Train(Address.finetune("rain"), "identity", BODY, {}, ())

    async def performed(studio: Studio) -> CallResult:
        nothing: Any = None
        now = datetime(2026, 3, 18, tzinfo=UTC)
        return await act.perform(Tools(studio, lambda: now, nothing, nothing, Entry(), nothing))

    return service.ask(performed)


@pytest.mark.parametrize(
    "refusal",
    [
        native_error(400, "InvalidParameter", "Unknown field: job_name"),
        native_error(400, "InvalidParameter", "Unrecognized request argument supplied."),
        httpx.Response(422, json=DETAIL),
        httpx.Response(400, text="unknown key"),
    ],
)
def test_a_name_that_is_refused_is_left_out(refusal: httpx.Response) -> None:
    service = serve(refusal, native(job("ft-1")))
    assert train(service).remote_id == "ft-1"
    assert [b"job_name" in request.content for request in service.requests] == [True, False]


def test_a_job_that_is_refused_for_itself_is_asked_for_no_third_time() -> None:
    service = serve(native_error(400, "InvalidParameter", "Missing training files"))
    with pytest.raises(InvalidRequest, match="Missing training files"):
        train(service)
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    "said", ["File file-1 is not usable", "n_epochs must be > 0", "bad training_file_ids"]
)
def test_a_refusal_that_speaks_of_something_else_is_no_matter_of_the_name(said: str) -> None:
    service = serve(native_error(400, "InvalidParameter", said))
    with pytest.raises(InvalidRequest):
        train(service)
    assert len(service.requests) == 1
