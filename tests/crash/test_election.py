"""An earlier job of the same inputs: ours is taken back unless it trains; if both do, a person decides."""

from pathlib import Path
from typing import Any

import pytest

from tests.crash.project import account, call, pass_time, start_twin, write
from tests.datasets import small_dataset
from tests.harness import ChangedAnswers
from wanctl.address import Address
from wanctl.engine.converge import Outcome, Patience
from wanctl.plan import Action, Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind

RAIN = Address.finetune("rain")


@pytest.fixture(params=[True])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Our job is about to start; its name is kept, or else only its files tell what it is."""
    (tmp_path / ".git").mkdir()
    small_dataset(tmp_path / "data", clips=2)
    write(tmp_path / "specs")
    sandbox = account(tmp_path)
    call(sandbox, "POST", "/_sandbox/rig", {"quirks": {"keep_job_name": request.param}})
    sandbox.close()
    assert apply(tmp_path).plan.status is Status.IN_PROGRESS
    return tmp_path


def apply(folder: Path, *, waits: bool = False) -> Outcome:
    outcome = Project.open(folder / "specs").apply(lambda *_: True, Patience(waits=waits))
    assert outcome is not None
    return outcome


def statuses(folder: Path) -> dict[str, str]:
    sandbox = account(folder)
    rows = call(sandbox, "GET", "/api/v1/fine-tunes?page_size=100")["output"]["jobs"]
    sandbox.close()
    return {row["job_id"]: row["status"] for row in rows}


def ours(folder: Path) -> str:
    current = Project.open(folder / "specs").record().entry(RAIN).current
    assert current
    return current.remote_id


def another_run_starts_it(folder: Path, *, marked: bool = True) -> str:
    return start_twin(folder, ours(folder), marked=marked)


def test_ours_is_taken_back_before_it_trains(folder: Path) -> None:
    mine, theirs = ours(folder), another_run_starts_it(folder)
    step = Project.open(folder / "specs").plan().step(RAIN)
    assert step
    assert (step.action, step.when, step.remote_id) == (Action.CANCEL, When.NOW, mine)
    assert theirs in step.reason
    assert apply(folder, waits=True).plan.status is Status.CONVERGED
    assert (statuses(folder)[mine], statuses(folder)[theirs]) == ("CANCELED", "SUCCEEDED")
    assert ours(folder) == theirs


def test_one_that_trains_stands_before_an_earlier_one_that_waits(folder: Path) -> None:
    mine, theirs = ours(folder), another_run_starts_it(folder)
    pass_time(folder, minutes=30)
    assert (statuses(folder)[mine], statuses(folder)[theirs]) == ("RUNNING", "QUEUING")
    plan = apply(folder).plan
    step = plan.step(RAIN)
    assert step
    assert (step.when, step.remote_id) == (When.SERVICE, mine)
    assert [one.remote_id for one in plan.orphans] == [theirs], "if its own run does not take it back"
    assert statuses(folder)[mine] == "RUNNING"


def test_one_that_trains_already_is_a_persons_to_cancel(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = ours(folder), another_run_starts_it(folder)
    pass_time(folder, minutes=30)

    def both_train(path: str, body: Any) -> None:
        output = body.get("output")
        for row in output.get("jobs", [output]) if isinstance(output, dict) and "fine-tunes" in path else ():
            if row.get("status") == "QUEUING":
                row["status"] = "RUNNING"

    with monkeypatch.context() as patched:
        patched.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)
        patched.setattr(ChangedAnswers, "change", staticmethod(both_train))
        step = apply(folder).plan.step(RAIN)
    assert step
    assert step.when is When.BLOCKED
    assert {hint.split()[2].rstrip(":") for hint in step.hints} == {mine, theirs}
    assert "CANCELED" not in {statuses(folder)[mine], statuses(folder)[theirs]}
    bind(Project.open(folder / "specs"), RAIN, mine, None)
    assert apply(folder, waits=True).plan.status is Status.CONVERGED
    assert ours(folder) == mine


def test_what_is_trained_stays_whatever_turns_up(folder: Path) -> None:
    mine, theirs = ours(folder), another_run_starts_it(folder)
    pass_time(folder, hours=6)
    assert statuses(folder)[mine] == "SUCCEEDED"
    assert apply(folder, waits=True).plan.status is Status.CONVERGED
    assert ours(folder) == mine
    assert statuses(folder)[theirs] != "CANCELED"


def test_a_job_without_our_mark_is_no_twin_where_marks_are_kept(folder: Path) -> None:
    mine, foreign = ours(folder), another_run_starts_it(folder, marked=False)
    assert apply(folder).plan.status is Status.IN_PROGRESS
    assert statuses(folder)[mine] == statuses(folder)[foreign] == "PENDING"


@pytest.mark.parametrize("folder", [True, False], indirect=True, ids=["by name", "by files"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_withdrawal_that_breaks_off_is_taken_up_again(
    folder: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = ours(folder), another_run_starts_it(folder)

    class KilledRun(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise KilledRun

    with monkeypatch.context() as patched:
        if when == "before":
            patched.setattr("wanctl.studio.calls.Jobs.cancel", killed)
        else:
            patched.setattr("wanctl.engine.journal.Journal.succeeded", killed)
        with pytest.raises(KilledRun):
            apply(folder)
    (intent,) = Project.open(folder / "specs").record().intents
    assert intent.verb == "withdraw"
    assert apply(folder, waits=True).plan.status is Status.CONVERGED
    assert (statuses(folder)[mine], statuses(folder)[theirs]) == ("CANCELED", "SUCCEEDED")
    assert Project.open(folder / "specs").record().intents == ()
