"""What others did at the service, as far as it can be seen; what cannot be seen is said."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ChangedAnswers, Harness, deployment
from wanctl.address import Address
from wanctl.engine.planner import Drift, drift_of
from wanctl.plan import Action, Status
from wanctl.project import Project
from wanctl.project.adoption import bind
from wanctl.rules import Rule

LIVE = Address.deployment("rain")
HOUR = 3600


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drifting")
    harness = Harness.begun(root)
    harness.serve(deployment())
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(serving: Path, tmp_path: Path) -> Harness:
    shutil.copytree(serving, tmp_path / "copied")
    return Harness(tmp_path / "copied/specs")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service whose clock is in another zone than before."""

    def moved(path: str, body: Any) -> None:
        output = body.get("output", {}) if "deployments" in path else {}
        for row in output.get("deployments", [output]):
            for key in {"gmt_create", "gmt_modified"} & row.keys():
                row[key] = (datetime.fromisoformat(row[key]) - timedelta(hours=8)).isoformat()

    with monkeypatch.context() as patched:
        patched.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)
        patched.setattr(ChangedAnswers, "change", staticmethod(moved))
        yield


def drift(harness: Harness) -> Drift:
    return drift_of(harness.plan())


def modify(harness: Harness) -> None:
    """What no answer shows: rate limits."""
    harness.call("PUT", f"/api/v1/deployments/{harness.deployed[0]}/update", {"rpm_limit": 10})


def messages(found: Drift) -> list[str]:
    return [one.message for one in found.findings if one.rule is Rule.MODIFIED_ELSEWHERE]


def test_what_the_service_does_not_tell_is_named(harness: Harness) -> None:
    found = drift(harness)
    assert not found.found
    assert found.unseen == {LIVE: ("capacity", "aigc_config")}
    assert drift_of(harness.plan(), [LIVE]).unseen == {}, "what is looked away from is not spoken of"
    harness.rig(quirks={"newer_answers": True, "echo_config": True})
    assert drift(harness).unseen == {}


def test_a_modification_that_wanctl_did_not_make_is_drift(harness: Harness) -> None:
    harness.advance(3 * HOUR)
    assert messages(drift(harness)) == []
    modify(harness)
    (message,) = messages(drift(harness))
    assert "was modified at 2026-03-18 1" in message
    assert "its capacity and aigc_config are not told" in message
    assert harness.plan().status is Status.CONVERGED, "nothing is done about it"


def test_who_adopts_it_has_looked(harness: Harness) -> None:
    harness.advance(3 * HOUR)
    modify(harness)
    bind(Project.open(harness.specs), LIVE, harness.deployed[0], None)
    assert messages(drift(harness)) == []
    harness.advance(3 * HOUR)
    modify(harness)
    assert len(messages(drift(harness))) == 1, "and has not seen what came later"


def test_scaling_by_wanctl_is_none(harness: Harness) -> None:
    harness.advance(3 * HOUR)
    harness.serve(deployment(capacity=2))
    harness.apply()
    harness.advance(3 * HOUR)
    assert messages(drift(harness)) == []


def test_scaling_by_others_is_seen_in_whatever_way_the_service_allows(harness: Harness) -> None:
    harness.advance(3 * HOUR)
    harness.call("PUT", f"/api/v1/deployments/{harness.deployed[0]}/scale", {"capacity": 2})
    harness.advance(HOUR)
    assert len(messages(drift(harness))) == 1
    harness.rig(quirks={"newer_answers": True})
    found = drift(harness)
    assert [(step.action, step.drift) for step in found.steps] == [(Action.SCALE, True)]
    assert messages(found) == [], "the step says it"


@pytest.mark.usefixtures("elsewhere")
def test_the_service_may_be_in_another_zone(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.serve(deployment())
    harness.apply()
    harness.advance(3 * HOUR)
    assert messages(drift(harness)) == []
    modify(harness)
    assert len(messages(drift(harness))) == 1


def test_without_a_call_of_ours_nobody_can_say(harness: Harness) -> None:
    (harness.specs / ".wanctl/ledger.json").unlink()
    bind(Project.open(harness.specs), LIVE, harness.deployed[0], None)
    harness.advance(3 * HOUR)
    modify(harness)
    found = drift(harness)
    assert messages(found) == []
    assert found.unseen == {LIVE: ("capacity", "aigc_config", "changes by others")}
