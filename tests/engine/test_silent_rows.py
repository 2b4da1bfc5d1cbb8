"""Rows of lists that leave out what is needed: the object itself is asked, and where that is silent too, the
run stops. Nothing is made again, and nothing is waited for without end."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, ChangedAnswers, Harness
from wanctl.address import Address
from wanctl.plan import Status, When
from wanctl.studio.errors import ServerError

FILES, JOBS, DEPLOYMENTS = "/compatible-mode/v1/files", "/api/v1/fine-tunes", "/api/v1/deployments"
LISTED = {FILES: "data", JOBS: "jobs", DEPLOYMENTS: "deployments"}
RAIN = Address.deployment("rain")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    harness = Harness.begun(tmp_path)
    harness.write(DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
    return harness


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """From now on these keys are left out of the rows of a list, and of what is told of each by its id."""
    monkeypatch.setattr("wanctl.project.provider.httpx.ASGITransport", ChangedAnswers)

    def leave_out(path: str, *keys: str, details: bool = False) -> None:
        def change(asked: str, body: Any) -> None:
            output = body.get("output", body)
            told: Iterable[Any] = output.get(LISTED[path], ()) if asked == path else ()
            if details and asked.startswith(f"{path}/"):
                told = [output]
            for row in told:
                for key in keys:
                    row.pop(key, None)

        monkeypatch.setattr(ChangedAnswers, "change", staticmethod(change))

    return leave_out


def lose_ledger(harness: Harness) -> None:
    (harness.specs / ".wanctl/ledger.json").unlink()


@pytest.mark.parametrize(
    ("path", "key"),
    [(FILES, "filename"), (JOBS, "status"), (DEPLOYMENTS, "status"), (DEPLOYMENTS, "model_name")],
)
@pytest.mark.parametrize("lost", [False, True], ids=["ledger", "ledger lost"])
def test_what_a_row_leaves_out_the_object_tells(
    harness: Harness, silent: Callable[..., None], path: str, key: str, lost: bool
) -> None:
    silent(path, key)
    assert harness.apply().plan.status is Status.CONVERGED
    if lost:
        lose_ledger(harness)
    assert harness.apply().plan.status is Status.CONVERGED
    for made in (FILES, JOBS, DEPLOYMENTS):
        assert harness.calls("POST", made) == 1


def test_a_file_without_a_name_may_be_the_one_that_is_looked_for(
    harness: Harness, silent: Callable[..., None]
) -> None:
    harness.apply()
    silent(FILES, "filename", details=True)
    assert harness.plan().status is Status.CONVERGED, "the ledger knows its name"
    lose_ledger(harness)
    with pytest.raises(ServerError, match="does not tell the name of file-ft-"):
        harness.apply()
    assert harness.calls("POST", FILES) == 1


@pytest.mark.parametrize("lost", [False, True], ids=["ledger", "ledger lost"])
def test_a_deployment_that_tells_its_status_nowhere_is_not_waited_for(
    harness: Harness, silent: Callable[..., None], lost: bool
) -> None:
    harness.apply()
    silent(DEPLOYMENTS, "status", details=True)
    if lost:
        lose_ledger(harness)
    plan = harness.apply().plan
    step = plan.step(RAIN)
    assert step
    assert (plan.status, step.when) == (Status.BLOCKED, When.BLOCKED)
    assert "does not say its status" in step.reason
    assert harness.calls("POST", DEPLOYMENTS) == 1


def test_one_that_falls_silent_while_it_is_waited_for_ends_the_waiting(
    harness: Harness, silent: Callable[..., None]
) -> None:
    silent(DEPLOYMENTS, "status", details=True)
    assert harness.apply().plan.status is Status.BLOCKED
    silent(JOBS)
    assert harness.apply().plan.status is Status.CONVERGED


def test_a_job_that_tells_its_status_nowhere_is_not_waited_for(
    harness: Harness, silent: Callable[..., None]
) -> None:
    silent(JOBS, "status", details=True)
    plan = harness.apply().plan
    step = plan.step(Address.finetune("rain"))
    assert step
    assert (plan.status, step.when) == (Status.BLOCKED, When.BLOCKED)
    assert harness.calls("POST", JOBS) == 1


def test_a_deployment_that_tells_its_model_nowhere_is_known_by_its_name(
    harness: Harness, silent: Callable[..., None]
) -> None:
    harness.apply()
    silent(DEPLOYMENTS, "model_name", details=True)
    lose_ledger(harness)
    harness.apply()
    assert harness.calls("POST", DEPLOYMENTS) == 1
