"""Many projects in one process: each converges, all share one reading, and none holds up another."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fleet.places import CHAIN, FleetPlace
from tests.watch.places import TRAIN, TUNE
from wanctl.base.running import run
from wanctl.fleet.keeping import Bell
from wanctl.kinds.snapshot import Snapshot
from wanctl.ledger.record import Record


async def seen(state: Callable[[], bool]) -> None:
    """Until the fleet is like that, or the test's own time is over."""
    while not state():  # noqa: ASYNC110 - the fleet tells nobody that a project was shown
        await asyncio.sleep(0.05)


def test_all_converge_and_an_idle_round_reads_each_list_once(place: FleetPlace) -> None:
    for number in range(4):
        place.project(f"rain-{number}", *CHAIN)
    place.push()
    crew = place.crew()
    overview = place.rounds(crew, 8)
    assert overview.sentence == "4 projects: 4 converged"
    assert place.calls("/api/v1/fine-tunes", method="POST") == 4
    assert place.calls("/api/v1/deployments", method="POST") == 4
    before = place.calls()
    place.rounds(crew)
    assert place.calls() - before == 3  # three lists, a page each, for all four


def test_what_is_looked_up_in_the_lists_is_looked_up_once_for_all(
    place: FleetPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        place.project(f"rain-{number}", TRAIN, TUNE)
    place.push()
    crew, found, usual = place.crew(), list[int](), vars(Snapshot)["jobs_by_name"].func
    place.rounds(crew, 3)

    def counted(snapshot: Snapshot) -> object:
        found.append(len(snapshot.jobs))
        return usual(snapshot)

    monkeypatch.setattr(vars(Snapshot)["jobs_by_name"], "func", counted)
    place.rounds(crew)
    assert found == [3]


def test_a_broken_project_is_told_and_the_others_go_on(place: FleetPlace) -> None:
    place.project("rain", TRAIN)
    place.project("snow", {**TUNE, "training": ["trian"]})
    (place.project("fog", TRAIN) / "wanctl.yaml").write_text("version: [", encoding="utf-8")
    place.push()
    overview = place.rounds(place.crew())
    states = {str(one.name): one.state for one in overview.projects}
    assert states == {"teams/rain": "converged", "teams/snow": "failing", "teams/fog": "failing"}
    (snow,) = overview.only(text="snow")
    assert "trian" in " ".join(snow.errors)
    assert snow.errors[0].startswith("teams/snow/all.yaml:")  # as committed, not as it lies on this machine
    assert overview.failed


def test_a_slow_ledger_holds_up_only_its_own_project(
    place: FleetPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wanctl.project import Project

    place.project("rain", TRAIN)
    place.project("slow", TRAIN)
    place.push()
    crew, usual, asked = place.crew(), Project.record, asyncio.Event()

    def record(project: Project) -> Record:
        if project.name == "slow" and not asked.is_set():
            asked.set()
            import time

            time.sleep(3)
        return usual(project)

    monkeypatch.setattr(Project, "record", record)
    monkeypatch.setattr("wanctl.fleet.keeping.PATIENCE", 0.3)

    async def work() -> tuple[str, str]:
        try:
            await crew.fleet.round(asyncio.Semaphore(8))
            await seen(lambda: crew.overview().counts.get("converged", 0) == 1)
            early = {str(one.name): one.state for one in crew.overview().projects}["teams/slow"]
            await crew.fleet.ended()
            return early, crew.overview().sentence
        finally:
            await crew.close_accounts()

    assert run(work()) == ("starting", "2 projects: 2 converged")


def test_a_project_that_is_pushed_joins_and_one_that_left_is_never_deleted(place: FleetPlace) -> None:
    import shutil

    place.project("rain", *CHAIN)
    place.push()
    crew = place.crew()
    place.rounds(crew, 7)
    place.project("snow", TRAIN)
    shutil.rmtree(place.clone / "teams" / "rain")
    place.push()
    overview = place.rounds(crew, 2)
    states = {str(one.name): one for one in overview.projects}
    assert states["teams/snow"].state == "converged"
    assert "is not on refs/heads/main of origin" in states["teams/rain"].errors[0]
    assert place.calls("/api/v1/deployments", method="DELETE") == 0


def test_each_environment_that_is_asked_for_is_kept(place: FleetPlace) -> None:
    from wanctl.fleet.fleet_file import FleetScope

    place.project("rain", TRAIN, environments={"staging": {"project": "rain-staging"}, "prod": {}})
    place.project("snow", TRAIN)
    place.push()
    file = place.clone.parent / "fleet.yaml"
    file.write_text('version: 1\nrepositories: [{path: studio, environments: ["*"]}]\n', encoding="utf-8")
    overview = place.rounds(place.crew(scope=FleetScope.read(file)))
    assert {str(one.name): one.state for one in overview.projects} == {
        "teams/rain (prod)": "converged",
        "teams/rain (staging)": "converged",
        "teams/snow": "converged",
    }


def test_a_remote_that_is_away_is_told_and_comes_back(place: FleetPlace) -> None:
    place.project("rain", TRAIN)
    place.push()
    crew, remote = place.crew(), place.clone.parent / "remote.git"
    place.rounds(crew)
    remote.rename(remote.with_name("away.git"))
    overview = place.rounds(crew)
    assert "cannot be fetched" in overview.errors[str(place.clone)][0]
    remote.with_name("away.git").rename(remote)
    overview = place.rounds(crew)
    assert not overview.errors
    assert overview.sentence == "1 project: 1 converged"


def test_a_new_commit_is_laid_out_beside_a_tree_that_is_in_use(place: FleetPlace) -> None:
    place.project("rain", TRAIN)
    place.push()
    crew = place.crew()
    place.rounds(crew)
    (member,) = crew.fleet.members.values()
    assert member.tree is not None
    _, trees = crew.fleet.repositories[place.clone]
    used = member.tree.checkout.tree
    place.push("Another")
    assert trees.newest({used}).checkout.tree != used
    assert trees.newest(()).commit.subject == "Another"


def test_the_loop_is_ended_at_once_and_finishes_what_it_began(place: FleetPlace) -> None:
    place.project("rain", TRAIN)
    place.push()
    crew = place.crew(interval=3600)

    async def work() -> None:
        keeping = asyncio.create_task(crew.work(Bell()))
        await seen(lambda: crew.overview().sentence == "1 project: 1 converged")
        keeping.cancel()
        async with asyncio.timeout(10):
            await asyncio.wait([keeping])

    run(work())
    assert crew.fleet.comes_round(crew.fleet.now())
    assert not crew.fleet.comes_round(crew.fleet.now() + timedelta(hours=4))
