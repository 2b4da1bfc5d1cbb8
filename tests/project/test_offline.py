"""What the specs alone tell: without a key, without the network, and without a word that claims too much."""

import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.harness import Harness, checkpoint, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.language.findings import SpecErrors
from wanctl.plan import Action, When
from wanctl.project.offline import planned_offline
from wanctl.render.made import OfflinePlan
from wanctl.render.options import PlanFormat, RenderOptions
from wanctl.render.rendering import rendered

WHY = "this comes from a fork"
EVERYTHING = (dataset(), finetune(), checkpoint(), deployment())


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness.begun(tmp_path)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection, or starts a program that may, fails the test."""

    def refused(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr("wanctl.base.git.Git.run", refused)


def told(harness: Harness) -> OfflinePlan:
    return planned_offline(harness.project(), WHY)


def files_of(harness: Harness) -> dict[Path, bytes]:
    """The ledger and the sandbox's account with all its requests; not what is remembered of datasets."""
    kept = harness.specs / ".wanctl"
    files = (path for path in kept.rglob("*") if path.is_file() and "cache" not in path.parts)
    return {path: path.read_bytes() for path in files}


def reason_of(offline: OfflinePlan, address: Address) -> str:
    step = offline.first.step(address)
    assert step is not None
    return step.reason


@pytest.mark.usefixtures("no_network")
def test_neither_key_nor_network_is_needed(harness: Harness) -> None:
    """The real service, a ledger on a branch, a dataset behind a URL."""
    far = {**dataset(), "source": "https://data.example/rain.zip"}
    far_away = {"provider": "model-studio", "region": "singapore", "ledger": "git:wanctl-ledger"}
    harness.write(far, finetune(), checkpoint(), deployment(), **far_away)
    offline = told(harness)
    assert "https://data.example/rain.zip" in reason_of(offline, Address.dataset("train"))
    assert "what the ledger git:wanctl-ledger knows" in offline.untold
    assert {step.action for step in offline.first.steps} == {
        Action.UPLOAD, Action.TRAIN, Action.EXPORT, Action.DEPLOY,
    }  # fmt: skip


@pytest.mark.parametrize("format_", PlanFormat)
def test_no_form_of_it_can_be_taken_for_a_plan(harness: Harness, format_: PlanFormat) -> None:
    harness.write(*EVERYTHING)
    harness.apply()
    text = rendered(told(harness), format_, RenderOptions(apply=("wanctl apply plan.json",)))
    assert WHY in text
    assert "what serves, and whether it stays" in text
    for claim in ("No changes", "no changes", "as the specs say", "wanctl apply", "not uploaded yet"):
        assert claim not in text


def test_the_account_is_not_asked_and_nothing_is_written(harness: Harness) -> None:
    harness.write(*EVERYTHING)
    harness.apply()
    before = files_of(harness)
    told(harness)
    assert files_of(harness) == before


def test_a_ledger_among_the_files_says_what_was_made(harness: Harness) -> None:
    harness.write(*EVERYTHING)
    assert told(harness).recorded == {}
    harness.apply()
    assert {str(one) for one in told(harness).recorded} == {
        "Dataset/train", "FineTune/rain", "Checkpoint/best", "Deployment/rain",
    }  # fmt: skip


def test_what_a_spec_names_by_its_id_is_believed(harness: Harness) -> None:
    harness.write({**dataset(), "source": {"file_id": "file-1"}}, finetune(), checkpoint(), deployment())
    offline = told(harness)
    assert reason_of(offline, Address.dataset("train")) == "is said to be in the account"
    training = offline.first.step(Address.finetune("rain"))
    assert training is not None
    assert training.when is not When.BLOCKED


def test_what_is_to_be_absent_is_neither_made_nor_said_to_be_gone(harness: Harness) -> None:
    harness.write(dataset(), finetune(), checkpoint(), {**deployment(), "state": "absent"})
    offline = told(harness)
    assert reason_of(offline, Address.deployment("rain")) == "absent: it is deleted if it is there"
    assert not any(step.action is Action.DEPLOY for step in offline.first.steps)


def test_limits_are_said_to_be_open_where_there_are_any(harness: Harness) -> None:
    harness.write(*EVERYTHING)
    assert not any("limits:" in one for one in told(harness).untold)
    harness.write(*EVERYTHING, limits={"new_jobs": 0})
    offline = told(harness)
    assert any("limits:" in one for one in offline.untold)
    assert not any(str(one.rule).startswith("limit") for one in offline.found)


def test_mistakes_are_told_as_everywhere(harness: Harness) -> None:
    harness.write({**dataset(), "source": "../nowhere"}, finetune(), checkpoint(), deployment())
    with pytest.raises(SpecErrors, match="no folder or file"):
        told(harness)
