"""Which answer becomes which error, and what a person reads of it."""

from typing import Any

import httpx
import pytest

from tests.studio.service import SECRET, native, native_error, serve
from wanctl.studio.client import Studio
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
    Unreachable,
    UnsupportedState,
)

HTML = httpx.Response(502, text="<html>Bad Gateway</html>")


async def read(studio: Studio) -> Any:
    return await studio.jobs.get("ft-1")


async def create(studio: Studio) -> Any:
    return await studio.jobs.create({"model": "wan2.6-i2v"})


async def delete(studio: Studio) -> Any:
    return await studio.deployments.delete("wan-x")


def compat(status: int, message: str, code: str | None = None) -> httpx.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return httpx.Response(status, json={"error": error}, headers={"x-request-id": "req-9"})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (native_error(401, "InvalidApiKey", "Invalid API-key provided."), AuthError),
        (native_error(403, "Model.AccessDenied", "Model access denied."), AuthError),
        (native_error(404, "WorkSpaceNotFound", "WorkSpace can not be found."), AuthError),
        (native_error(404, "NotFound", "Not found!"), NotFound),
        (native_error(400, "InvalidParameter", "File not found."), NotFound),
        (compat(400, "No such file: file-ft-1"), NotFound),
        (compat(404, "no such File object"), NotFound),
        (native_error(409, "Conflict", "Model instance x already exists"), Conflict),
        (native_error(400, "InvalidParameter", "Missing training files"), InvalidRequest),
        (compat(400, "'purpose' must be 'fine-tune'"), InvalidRequest),
        (native_error(400, "UnsupportedOperation", "can not be canceled because it is"), UnsupportedState),
        (native_error(400, "Arrearage", "Access denied, account is not in good standing"), Arrears),
        (native_error(429, "PostpaidBillOverdue", "The bill is overdue."), Arrears),
        (native_error(429, "CommodityNotPurchased", "Commodity has not purchased yet."), QuotaExhausted),
        (
            native_error(
                429, "Throttling", "Only 20 fine-tune job in running or succeeded allowed per user."
            ),
            QuotaExhausted,
        ),
        (native_error(403, "AllocationQuota.FreeTierOnly", "The free tier is exhausted"), QuotaExhausted),
        (
            native_error(429, "Throttling", "Too many fine-tune job in running, please retry later."),
            Busy,
        ),
        (native_error(429, "Throttling.RateQuota", "Requests rate limit exceeded"), Throttled),
        (native_error(429, "Throttling", "Too many running jobs."), Busy),
        (native_error(429, "Throttling", "Too many requests in the job queue"), Throttled),
        (native_error(429, "Throttling.AllocationQuota", "Allocated quota exceeded"), Throttled),
        (native_error(429, "insufficient_quota", "The free quota is exhausted"), QuotaExhausted),
        (native_error(400, "InvalidParameter", "Upload file number exceed limit."), QuotaExhausted),
        (native_error(503, "Throttling", "slow down"), ServerError),
        (native_error(500, "InternalError", "An internal error"), ServerError),
        (httpx.Response(503, text=""), ServerError),
        (HTML, ServerError),
        (httpx.Response(200, text="<html>maintenance</html>"), ServerError),
        (httpx.Response(200, text=""), ServerError),
        (httpx.Response(200, text='{"output": {"job_id": "ft'), ServerError),
        (httpx.Response(200, json=["no", "object"]), ServerError),
        (native({"status": "RUNNING"}), ServerError),
        (native_error(200, "InvalidParameter", "no"), Refused),
        (native_error(200, "NotFound", "Not found."), NotFound),
        (
            httpx.Response(
                200, json={"data": {"failed_uploads": [{"code": "BadRequest.TooLarge", "message": "full"}]}}
            ),
            Refused,
        ),
        (native_error(200, "200-BailianGateway.Workspace.NotAuthorised", "no"), AuthError),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), Refused),
        (httpx.Response(404, text="<html>nginx</html>"), InvalidRequest),
        (httpx.Response(413, text="<html>too large</html>"), InvalidRequest),
        (httpx.ConnectError("no route"), Unreachable),
        (httpx.ConnectTimeout("slow"), Unreachable),
        (httpx.ReadTimeout("slow"), ServerError),
        (httpx.RemoteProtocolError("incomplete body"), ServerError),
    ],
)
def test_an_answer_to_a_read_becomes_this_error(
    answer: httpx.Response | Exception, expected: type[StudioError]
) -> None:
    with pytest.raises(StudioError) as caught:
        serve(answer).ask(read)
    assert type(caught.value) is expected or (
        expected is QuotaExhausted and isinstance(caught.value, Arrears)
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(400, text="  not in this workspace\n"), "not in this workspace"),
        (httpx.Response(400, json={"detail": "no such path"}), "no such path"),
        (
            httpx.Response(422, json={"detail": [{"loc": ["body", "n_epochs"], "msg": "too many"}]}),
            "n_epochs",
        ),
        (native_error(400, "InvalidParameter", "too many epochs"), "too many epochs"),
    ],
)
def test_what_a_refusal_says_is_shown_however_it_is_wrapped(answer: httpx.Response, said: str) -> None:
    with pytest.raises(StudioError) as caught:
        serve(answer).ask(read)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["<html>nginx</html>", "{broken", "\x00\x01\x02", "a\u202eb"])
def test_a_page_or_rubbish_is_no_message(text: str) -> None:
    with pytest.raises(StudioError) as caught:
        serve(httpx.Response(400, text=text)).ask(read)
    assert caught.value.service_message is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.ReadTimeout("slow"), LostAnswer),
        (httpx.WriteTimeout("slow"), LostAnswer),
        (httpx.ReadError("reset"), LostAnswer),
        (httpx.WriteError("reset"), LostAnswer),
        (httpx.RemoteProtocolError("disconnected"), LostAnswer),
        (httpx.LocalProtocolError("too little data"), LostAnswer),
        (HTML, LostAnswer),
        (native_error(500, "InternalError", "?"), LostAnswer),
        (native_error(408, "RequestTimeOut", "?"), LostAnswer),
        (native_error(200, "InternalError.Timeout", "?"), LostAnswer),
        (httpx.Response(200, text=""), LostAnswer),
        (httpx.Response(200, text='{"output": {"job_id": "ft'), LostAnswer),
        (native({"status": "PENDING"}), LostAnswer),
        (httpx.ConnectError("refused"), Unreachable),
        (httpx.ConnectTimeout("slow"), Unreachable),
        (native_error(429, "Throttling", "Too many fine-tune job in running"), Busy),
        (native_error(400, "InvalidParameter", "File not found."), InvalidRequest),
        (native_error(409, "Conflict", "exists"), Conflict),
    ],
)
def test_a_create_is_sent_once_and_says_whether_it_may_have_happened(
    answer: httpx.Response | Exception, expected: type[StudioError]
) -> None:
    service = serve(answer)
    with pytest.raises(StudioError) as caught:
        service.ask(create)
    assert type(caught.value) is expected
    assert len(service.requests) == 1
    assert service.slept == []


def test_a_repeatable_call_whose_answers_are_all_lost_says_so() -> None:
    service = serve(httpx.ReadTimeout("slow"))
    with pytest.raises(LostAnswer):
        service.ask(delete)
    assert len(service.requests) == 3


def test_a_read_that_meets_silence_is_made_three_times() -> None:
    """Each time it takes a minute: whoever waits is to hear of it."""
    service = serve(httpx.ReadTimeout("silent"))
    with pytest.raises(ServerError):
        service.ask(lambda studio: studio.jobs.get("ft-1"))
    assert len(service.requests) == 3


def test_an_error_reads_as_one_sentence_with_everything_to_quote() -> None:
    with pytest.raises(AuthError) as caught:
        serve(native_error(401, "InvalidApiKey", "Invalid API-key provided.")).ask(read)
    error = caught.value
    assert str(error) == (
        "GET /api/v1/fine-tunes/ft-1: the key was not accepted: InvalidApiKey: Invalid API-key provided."
        " (HTTP 401, request id req-1); check that the key is of this region (keys work in one region only),"
        " of the right workspace, and no coding plan key (sk-sp-…)"
    )
    assert (error.method, error.path, error.status) == ("GET", "/api/v1/fine-tunes/ft-1", 401)
    assert (error.code, error.request_id) == ("InvalidApiKey", "req-1")
    assert SECRET not in repr(error)


def test_the_request_id_of_a_compatible_answer_is_in_its_header() -> None:
    with pytest.raises(InvalidRequest) as caught:
        serve(compat(400, "bad")).ask(read)
    assert caught.value.request_id == "req-9"
    assert caught.value.service_message == "bad"


def test_a_message_may_stand_in_msg() -> None:
    with pytest.raises(InvalidRequest, match="what is wrong"):
        serve(httpx.Response(400, json={"code": "X", "msg": "what is wrong"})).ask(read)


def test_the_two_429s_are_told_apart_by_their_remedy() -> None:
    with pytest.raises(QuotaExhausted) as never:
        serve(native_error(429, "Throttling", "Only 20 fine-tune job in running or succeeded")).ask(create)
    with pytest.raises(Throttled) as waiting:
        serve(native_error(429, "Throttling", "Too many fine-tune job in running")).ask(create)
    assert "delete unused models" in str(never.value)
    assert "clears" in str(waiting.value)


def test_no_error_shows_a_signature() -> None:
    link = "https://oss.example/a.zip?Signature=SIGNED"
    with pytest.raises(InvalidRequest) as caught:
        serve(native_error(400, "InvalidURL", f"cannot fetch {link}")).ask(read)
    with pytest.raises(ServerError) as odd:
        serve(native({"status": "RUNNING", "url": link})).ask(read)
    for error in (caught.value, odd.value):
        assert "SIGNED" not in f"{error} {error!r} {error.__cause__!r}"


@pytest.mark.parametrize("made", ["x" * 100_000, "ü" * 30_000])
def test_an_id_that_fits_into_no_url_is_a_wrong_request_and_sends_nothing(made: str) -> None:
    service = serve(native({}))
    asked = (
        lambda studio: studio.jobs.get(made),
        lambda studio: studio.files.delete(made),
        lambda studio: studio.checkpoints.export("ft-1", "checkpoint-20", made),
    )
    for question in asked:
        with pytest.raises(InvalidRequest) as caught:
            service.ask(question)
        assert len(str(caught.value)) < 300
    assert not service.requests


def test_a_success_may_carry_a_code_that_says_so() -> None:
    for code in ("Success", "200", 200, "", None):
        assert serve(native({"job_id": "ft-1"}, code=code)).ask(read).job_id == "ft-1"
