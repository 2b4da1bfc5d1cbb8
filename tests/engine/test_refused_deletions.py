"""A service that refuses to delete a deployment is asked once; a person reads what to do next."""

from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Harness, deployment
from wanctl.address import Address
from wanctl.plan import Status, Step, When

RAIN = Address.deployment("rain")
POURS = deployment(effect="Then it pours.")


class Refusing(httpx.ASGITransport):
    """The sandbox, which deletes no deployment as long as it runs."""

    refuses: ClassVar[bool] = True
    answer: ClassVar[tuple[int, dict[str, Any]]] = (400, {})
    asked: ClassVar[int] = 0
    stopped: ClassVar[bool] = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE" and "/deployments/" in request.url.path:
            Refusing.asked += 1
            if Refusing.refuses:
                status, body = Refusing.answer
                return httpx.Response(status, json=body)
        response = await super().handle_async_request(request)
        if not Refusing.stopped:
            return response
        content = await response.aread()
        return httpx.Response(response.status_code, content=content.replace(b'"RUNNING"', b'"STOPPED"'))


REFUSALS = (
    (400, {"code": "UnsupportedOperation", "message": "The deployment is RUNNING."}),
    (400, {"code": "InvalidParameter", "message": "Only STOPPED or FAILED deployments can be deleted."}),
    (409, {"code": "Conflict", "message": "Cannot be deleted."}),
    (200, {"code": "Refused", "message": "no"}),
)


@pytest.fixture(params=REFUSALS, ids=lambda answer: f"{answer[0]} {answer[1]['code']}")
def harness(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", Refusing)
    for name, value in {"refuses": True, "answer": request.param, "asked": 0, "stopped": False}.items():
        monkeypatch.setattr(Refusing, name, value)
    harness = Harness.begun(tmp_path)
    harness.serve(deployment())
    harness.apply()
    return harness


def blocked(harness: Harness) -> Step:
    step = harness.step(RAIN)
    assert step.when is When.BLOCKED
    assert "the service refused to delete" in step.reason
    assert "while it is RUNNING" in step.reason
    assert any("in the Model Studio console, then apply again" in hint for hint in step.hints)
    return step


@pytest.mark.parametrize("how", ["recreated", "removed", "blue_green"])
def test_it_is_asked_once(harness: Harness, how: str) -> None:
    if how == "removed":
        harness.write(DATASET, FINETUNE, CHECKPOINT)
    else:
        strategy = {"strategy": "blue_green", "keep_old": "0s"} if how == "blue_green" else {}
        harness.serve({**POURS, **strategy})
    first = harness.apply()
    assert [str(one.step.address) for one in first.failures] == ["Deployment/rain"]
    assert first.plan.status is Status.BLOCKED
    for _ in range(2):
        again = harness.apply()
        assert not again.failures
        assert again.plan.status is Status.BLOCKED
    assert Refusing.asked == 1
    blocked(harness)
    assert harness.ledger["intents"] == []


def test_a_person_may_have_it_asked_again(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.write(DATASET, FINETUNE, CHECKPOINT)
    harness.apply()
    assert len(harness.apply(to_delete=[RAIN]).failures) == 1
    assert Refusing.asked == 2
    monkeypatch.setattr(Refusing, "refuses", False)
    harness.apply()
    assert Refusing.asked == 2
    harness.apply(to_delete=[RAIN])
    assert harness.deployed == []
    assert "Deployment/rain" not in harness.ledger["entries"]


def test_in_another_status_it_is_asked_for_again(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.serve(POURS)
    harness.apply()
    blocked(harness)
    monkeypatch.setattr(Refusing, "refuses", False)
    monkeypatch.setattr(Refusing, "stopped", True)
    assert harness.step(RAIN).when is When.NOW
    harness.apply(waits=False)
    monkeypatch.setattr(Refusing, "stopped", False)
    assert harness.apply().plan.status is Status.CONVERGED
    assert Refusing.asked == 2
    assert harness.ledger["entries"]["Deployment/rain"]["refused"] == {}


def test_what_is_gone_by_another_way_is_not_missed(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.write(DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "state": "absent"})
    harness.apply()
    blocked(harness)
    monkeypatch.setattr(Refusing, "refuses", False)
    harness.delete_as_somebody(harness.deployed[0])
    assert harness.apply().plan.status is Status.CONVERGED
    assert "Deployment/rain" not in harness.ledger["entries"]
