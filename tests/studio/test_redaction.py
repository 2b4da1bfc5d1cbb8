"""What the service says in its own words may hold signed URLs and keys; none of it is ever shown."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.studio.service import SECRET, native_error, serve
from wanctl.base.redaction import without_secrets
from wanctl.studio.errors import InvalidRequest, StudioError
from wanctl.studio.objects import Job, LiveDeployment, LogPage

SIGNED = [
    "cannot read https://b.oss-ap-southeast-1.aliyuncs.com/x.zip?OSSAccessKeyId=SIGNED&Signature=SIGNED",
    "cannot read b.oss-ap-southeast-1.aliyuncs.com/x.zip?Expires=1&Signature=SIGNED, twice",
    "cannot read /bucket/x.zip?x-oss-signature=SIGNED",
    "redirect=https%3A%2F%2Fb.oss%2Fx.zip%3FSignature%3DSIGNED",
    "oss://b/x.zip?SIGNED",
    '{"url": "https://b.oss/x?a=SIGNED", "Signature": "SIGNED0123456789"}',
    "signed with x-oss-security-token=SIGNED",
    "AccessKeySecret: SIGNED0123456789",
    "https://user:SIGNED@host/x.zip",
    "Incorrect API key provided: sk-SIGNED0123456789",
    '{"accessKeySecret":"SIGNED01"}',
    '{\\"securityToken\\": \\"SIGNED012345\\"}',
    "accessKeySecret=SIGNED",
    r'b"{\\"accessKeyId\\": \\"SIGNED012345\\"}"',
    "Authorization: Bearer SIGNED0123",
    "authorization: Basic SIGNEDSIGNED==",
    "the token eyJhbGciOiJIUzI1NiJ9.SIGNEDSIGNED.SIGNEDSIGNED is over",
    "STS.SIGNED0123456789",
    "LTAISIGNED0123456789",
    "AKIASIGNED0123456789",
    "remote: ghp_SIGNED0123456789abcdef",
    "glpat-SIGNED0123456789abc",
    "password: 'SIGNED0123'",
    "-----BEGIN RSA PRIVATE KEY-----\nSIGNED\nSIGNED\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("said", SIGNED)
def test_free_text_of_the_service_holds_no_signature(said: str) -> None:
    job = Job.model_validate({"job_id": "ft-1", "status": said, "code": said, "message": said})
    page = LogPage.model_validate({"logs": ["training starts", said]})
    live = LiveDeployment.model_validate({"deployed_model": "m", "status": said})
    assert page.logs[0] == "training starts"
    assert "SIGNED" not in f"{job.status} {job.code} {job.message} {page.logs} {live.status}"


@pytest.mark.parametrize("said", SIGNED)
def test_no_error_holds_a_signature(said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        serve(native_error(400, said, said)).ask(lambda studio: studio.jobs.get("ft-1"))
    error: StudioError = caught.value
    assert "SIGNED" not in f"{error} {error!r} {vars(error)}"


@pytest.mark.parametrize(
    "said",
    [
        "data.jsonl, line 3: is this JSON? No",
        "the request signature we calculated does not match",
        "learning_rate=2e-5 is too high; ask sk-support",
        "https://help.aliyun.com/zh/model-studio/error-code",
        "actual number of consumed tokens is: 1234567890123456",
        "a bearer of a credential: none",
        "basic settings; tokens: 12345678901234567890",
    ],
)
def test_other_words_stay_as_they_are(said: str) -> None:
    assert without_secrets(said) == said


@pytest.mark.parametrize(
    "part",
    [
        "?",
        "a",
        "://",
        "%3F",
        "sk-",
        "signature",
        "token:",
        "@",
        "a?b",
        "eyJ.",
        "bearer ",
        "a-",
        "x_",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_it_takes_no_time_whatever_is_said(part: str) -> None:
    started = time.process_time()
    without_secrets("x?" + part * (200_000 // len(part)))
    assert time.process_time() - started < 2


def test_what_this_process_holds_is_never_repeated() -> None:
    said = f"no such thing: {SECRET}, for {SECRET}"
    odd = httpx.Response(200, json={"output": {"job_id": "ft-1", "model": said, "more": [{SECRET: said}]}})
    job = serve(odd).ask(lambda studio: studio.jobs.get("ft-1"))
    assert SECRET not in repr(job)
    headers = {"x-request-id": f"r-{SECRET}"}
    answer = httpx.Response(400, content=json.dumps({"message": said}), headers=headers)
    with pytest.raises(StudioError) as caught:
        serve(answer).ask(lambda studio: studio.jobs.get("ft-1"))
    assert SECRET not in f"{caught.value} {vars(caught.value)}"


def test_an_odd_answer_of_a_gateway_holds_none_either() -> None:
    body: dict[str, Any] = {"error": f"cannot fetch {SIGNED[1]}"}
    with pytest.raises(StudioError) as caught:
        serve(httpx.Response(400, json=body)).ask(lambda studio: studio.jobs.get("ft-1"))
    assert "SIGNED" not in str(caught.value)
