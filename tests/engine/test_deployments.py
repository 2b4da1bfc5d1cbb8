"""Deployments that are edited, renamed, lost and disturbed: what is live, and that applying ends."""

import shutil
from pathlib import Path

import pytest

from tests.engine.worlds import World, deployment
from wanctl.plan import Action, Status, When


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied once, for the tests to begin from a copy of it."""
    root = tmp_path_factory.mktemp("served")
    world = World.begun(root)
    world.serve(deployment())
    assert world.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def world(served: Path, tmp_path: Path) -> World:
    shutil.copytree(served, tmp_path / "world")
    return World(tmp_path / "world/specs")


@pytest.mark.parametrize("strategy", ["recreate", "blue_green"])
def test_a_new_config_and_capacity_are_shown_and_done_together(world: World, strategy: str) -> None:
    world.serve(deployment(effect="Then it pours.", capacity=2, strategy=strategy))
    shown = {change.path: change.after for step in world.plan().pending for change in step.changes}
    assert shown == {"aigc_config.lora_prompt_default": "Then it pours.", "capacity": 2}
    outcome = world.apply()
    assert outcome.plan.status is Status.CONVERGED
    assert [one["capacity"] for one in world.deployments] == [2]


def test_protection_counts_from_the_moment_it_is_written(world: World) -> None:
    world.serve(deployment(protect=True))
    step = world.apply(doomed=()).plan.steps[0]
    assert (step.action, step.when) == (Action.DELETE, When.BLOCKED)
    assert "write protect: false at " in step.hints[0]
    assert len(world.deployed) == 1


def test_a_tombstone_deletes_nothing_that_is_to_be_protected(world: World) -> None:
    world.serve(deployment(protect=True, state="absent"))
    world.apply()
    assert len(world.deployed) == 1
