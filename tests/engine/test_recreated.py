"""Delete and deploy again, broken off at its second half: the new deployment has the name of the old one, and
is not taken for it, however little the service tells and however far its lists lag."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import ChangedAnswers, Harness, deployment
from wanctl.plan import Status

DEPLOYMENTS = "/api/v1/deployments"
POURS = deployment(effect="Then it pours.")


@pytest.fixture(params=["create times told", "create times not told"])
def harness(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Harness:
    def change(_: str, body: Any) -> None:
        output = body.get("output")
        for row in [output, *output.get("deployments", ())] if isinstance(output, dict) else ():
            row.pop("gmt_create", None)

    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)
    monkeypatch.setattr(
        ChangedAnswers, "change", staticmethod(change if "not" in request.param else lambda *_: None)
    )
    harness = Harness.begun(tmp_path)
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    harness.rig(quirks={"list_lag": 20})
    return harness


@pytest.mark.parametrize("later", [0, 12, 25, 600], ids=lambda seconds: f"{seconds} s later")
def test_a_killed_run_is_taken_up_with_one_deployment(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    class KilledRun(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise KilledRun

    harness.serve(POURS)
    with monkeypatch.context() as patched:
        patched.setattr("wanctl.kinds.deployment.deploying.with_deployed", killed)
        with pytest.raises(KilledRun):
            harness.apply()
    made = harness.changing_calls()
    assert [method for method, _ in made] == ["POST", "DELETE", "POST"]
    harness.advance(later)
    assert harness.apply().plan.status is Status.CONVERGED
    assert harness.changing_calls() == made


def test_after_a_deletion_whose_answer_was_lost_as_well(harness: Harness) -> None:
    rule = {"kind": "reset", "when": "after", "method": "DELETE", "path": f"{DEPLOYMENTS}/", "nth": 1}
    harness.call("POST", "/_sandbox/faults", rule)
    harness.lose_deploy_answer()
    harness.serve(POURS)
    assert harness.apply().plan.status is Status.CONVERGED
    assert [method for method, status in harness.changing_calls() if status == 200][:1] == ["POST"]
    assert harness.calls("POST", DEPLOYMENTS) == 2
