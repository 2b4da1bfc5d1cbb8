"""A service that has no list of files or of deployments: what is known is asked for, and the rest is said."""

from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Harness
from wanctl.address import Address
from wanctl.plan import Action, Status, When
from wanctl.studio.errors import AuthError

_FILES, _DEPLOYMENTS = "/compatible-mode/v1/files", "/api/v1/deployments"
_ABSENT = httpx.Response(404, json={"code": "NotFound", "message": "Not found."})
_NOT_ALLOWED = httpx.Response(405, text="<html>no</html>")
_FORBIDDEN = httpx.Response(403, json={"code": "AccessDenied", "message": "no"})


class Sparse(httpx.ASGITransport):
    """The sandbox without some of its reads."""

    refusal: ClassVar[httpx.Response] = _ABSENT
    single_files: ClassVar[bool] = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        hidden = path in {_FILES, _DEPLOYMENTS} or (path.startswith(_FILES) and not type(self).single_files)
        if request.method == "GET" and hidden:
            said = type(self).refusal
            return httpx.Response(said.status_code, content=said.content)
        return await super().handle_async_request(request)


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", Sparse)
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    return harness


@pytest.mark.parametrize("refusal", [_ABSENT, _NOT_ALLOWED])
@pytest.mark.parametrize("single_files", [True, False])
def test_a_whole_life_without_those_lists(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, refusal: httpx.Response, single_files: bool
) -> None:
    monkeypatch.setattr(Sparse, "refusal", refusal)
    monkeypatch.setattr(Sparse, "single_files", single_files)
    harness.apply()
    plan = harness.project().plan()
    assert plan.status is Status.CONVERGED
    assert [one.message for one in plan.findings if one.rule == "unlisted"] == [
        "this service lists no files and no deployments: only what the ledger and the jobs name is seen"
    ]
    changed = {
        **DEPLOYMENT,
        "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": "Then it pours."},
    }
    harness.write(DATASET, FINETUNE, CHECKPOINT, changed)
    harness.apply()
    assert harness.project().plan().status is Status.CONVERGED
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    harness.apply()
    assert harness.project().plan().status is Status.CONVERGED
    assert harness.call("GET", "/_sandbox/status")["deployments"] == []
    assert harness.calls("POST", "/api/v1/fine-tunes") == 1


@pytest.mark.parametrize(("single_files", "when"), [(True, When.DONE), (False, When.BLOCKED)])
def test_without_a_ledger_nothing_is_trained_beside_a_possible_twin(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, single_files: bool, when: When
) -> None:
    monkeypatch.setattr(Sparse, "single_files", single_files)
    harness.call("POST", "/_sandbox/rig", {"quirks": {"keep_job_name": False}})
    harness.apply()
    (harness.specs / ".wanctl/ledger.json").unlink()
    step = harness.project().plan().step(Address.finetune("rain"))
    assert step is not None
    assert step.when is when
    assert step.action is (Action.NOTHING if when is When.DONE else Action.TRAIN)


def test_what_may_not_be_read_is_not_taken_for_unlisted(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sparse, "refusal", _FORBIDDEN)
    with pytest.raises(AuthError):
        harness.project().plan()
