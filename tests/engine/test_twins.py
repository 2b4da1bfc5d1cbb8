"""A billed job is never started beside a possible twin, and nothing is ended on weak evidence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.datasets import small_dataset
from wanctl.address import Address
from wanctl.base.running import run
from wanctl.engine.converge import Patience
from wanctl.plan import Plan, Step, When
from wanctl.project import Project
from wanctl.project.outputs import bind
from wanctl.project.provider import call_sandbox, open_sandbox
from wanctl.project.results import ApplyResult

HEAD = {
    "version": 1,
    "project": "rain",
    "polling": "30m",
    "sandbox": {"speed": "instant", "seed": 1, "start": "2026-03-18T09:00:00+08:00"},
}
TRAIN = {"kind": "Dataset", "name": "train", "source": "../data"}
RAIN = Address.finetune("rain")


def training(name: str = "rain", **changed: Any) -> dict[str, Any]:
    parameters = {"n_epochs": 40, "eval_epochs": 10}
    document = {"kind": "FineTune", "name": name, "model": "wan2.6-i2v", "training": ["train"]}
    return {**document, "hyper_parameters": parameters, **changed}


class World:
    """One project and its sandbox."""

    def __init__(self, folder: Path) -> None:
        self.specs = folder / "specs"
        self.specs.mkdir()
        (folder / ".git").mkdir()
        small_dataset(folder / "data", clips=2)

    def write(self, *documents: dict[str, Any], **head: Any) -> None:
        (self.specs / "wanctl.yaml").write_text(yaml.safe_dump({**HEAD, **head}), encoding="utf-8")
        (self.specs / "all.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")

    def project(self) -> Project:
        return Project.open(self.specs)

    def apply(
        self, approve: Callable[[Plan, tuple[Step, ...]], bool] = lambda *_: True, *, waits: bool = False
    ) -> ApplyResult:
        return self.project().apply(approve, Patience(waits=waits))

    def step(self, address: Address = RAIN) -> Step:
        step = self.project().plan().step(address)
        assert step is not None
        return step

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        project = self.project()
        sandbox = open_sandbox(project.desired.settings, project.state)
        try:
            code, text = run(call_sandbox(sandbox, method, path, body))
        finally:
            sandbox.close()
        assert code == 200, text
        return json.loads(text)

    def rig(self, **wishes: Any) -> None:
        self.call("POST", "/_sandbox/rig", wishes)

    def lose_training(self, when: str) -> None:
        """The next training's answer is lost, before or after the job was made."""
        rule = {"kind": "reset", "when": when, "method": "POST", "path": "/api/v1/fine-tunes", "nth": 1}
        self.call("POST", "/_sandbox/faults", rule)

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/api/v1/fine-tunes?page_size=100")["output"]["jobs"])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_two_documents_of_one_content_are_trained_once(tmp_path: Path, world: World) -> None:
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    copied = {"kind": "Dataset", "name": "copy", "source": "../copy"}
    world.write(TRAIN, copied, training(), training("twin", training=["copy"]))
    world.apply()
    step = world.step(Address.finetune("twin"))
    assert (len(world.jobs()), step.when) == (1, When.BLOCKED)
    assert "FineTune/rain has the same inputs, byte for byte" in step.reason


def test_a_renamed_training_keeps_its_job_where_no_mark_is_kept(world: World) -> None:
    world.write(TRAIN, training())
    world.rig(quirks={"keep_job_name": False, "echo_file_ids": False})
    world.apply(waits=True)
    world.write(TRAIN, training("storm"))
    world.apply(waits=True)
    assert len(world.jobs()) == 1
    assert world.step(Address.finetune("storm")).when is When.DONE


def test_what_nobody_was_asked_about_is_not_started(world: World) -> None:
    """The training's call never arrived; the next run waits, sees that, and asks before it calls again."""
    world.write(TRAIN, training())
    world.lose_training("before")
    world.apply()
    asked: list[tuple[Step, ...]] = []

    def refuse(_: Plan, steps: tuple[Step, ...]) -> bool:
        asked.append(steps)
        return False

    assert not world.apply(refuse, waits=True).approved
    assert [[step.address for step in steps] for steps in asked] == [[RAIN]]
    assert asked[0][0].changes
    assert world.jobs() == []


def test_an_edited_training_does_not_take_the_job_of_a_lost_call(world: World) -> None:
    """max_pixels is echoed nowhere: the job of the lost call and that of the edited spec look alike."""
    parameters = {"n_epochs": 40, "eval_epochs": 10}
    world.write(TRAIN, training(hyper_parameters={**parameters, "max_pixels": 16384}))
    world.rig(quirks={"keep_job_name": False})
    world.lose_training("after")
    unread = {"kind": "status", "status": 503, "method": "GET", "path": "/api/v1/fine-tunes", "nth": 3}
    world.call("POST", "/_sandbox/faults", {**unread, "count": "all"})
    with pytest.raises(Exception, match="the service failed"):
        world.apply()
    world.call("DELETE", "/_sandbox/faults")
    world.write(TRAIN, training(hyper_parameters={**parameters, "max_pixels": 36864}))
    world.apply()
    step, jobs = world.step(), world.jobs()
    assert (len(jobs), step.when) == (1, When.BLOCKED)
    assert jobs[0]["job_id"] in step.reason


def test_saying_what_is_not_ours_answers_no_open_call(world: World) -> None:
    world.write(TRAIN, training())
    world.rig(quirks={"list_lag": 25})
    world.lose_training("after")
    world.apply()
    bind(world.project(), RAIN, None, "ft-somebody-elses")
    assert world.step().when is When.SERVICE
    world.apply(waits=True)
    assert len(world.jobs()) == 1


def test_a_job_on_somebody_elses_file_is_neither_taken_nor_ended(world: World) -> None:
    world.write(TRAIN, training())
    world.rig(quirks={"keep_job_name": False})
    world.apply()
    file_id = world.call("GET", "/compatible-mode/v1/files")["data"][0]["id"]
    shutil.rmtree(world.specs / ".wanctl" / "cache")
    (world.specs / ".wanctl" / "ledger.json").unlink()
    theirs = {"kind": "Dataset", "name": "theirs", "source": {"file_id": file_id}}
    for state in ("present", "absent"):
        mine = training("mine", training=["theirs"], hyper_parameters={"n_epochs": 40}, state=state)
        world.write(theirs, mine, project="bob")
        step = world.step(Address.finetune("mine"))
        assert (step.when, step.effect) == (When.BLOCKED, None)


def test_another_attempt_does_not_train_beside_the_first(world: World) -> None:
    world.write(TRAIN, training())
    world.apply()
    world.write(TRAIN, training(attempt=2))
    world.apply()
    step = world.step()
    assert (len(world.jobs()), step.when) == (1, When.BLOCKED)
    assert "attempt 2 would train beside" in step.reason
