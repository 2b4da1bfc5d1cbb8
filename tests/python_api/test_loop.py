"""The Python API where a loop runs already: the plain methods work, the coroutines do not hold it up."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml

import wanctl
from wanctl.base.running import Interrupted


def test_the_plain_methods_work_inside_a_running_loop(specs: Path) -> None:
    async def notebook() -> str:
        project = wanctl.open(specs)
        assert project.validate().valid
        result = project.apply(approve=project.plan(), wait=True, on_event=lambda _: None)
        assert result.converged
        assert project.status().converged
        return project.output().value

    assert asyncio.run(notebook()) == wanctl.open(specs).output().value


def test_the_coroutines_do_the_same(specs: Path) -> None:
    async def work() -> None:
        project = wanctl.open(specs)
        assert (await project.avalidate()).valid
        plan = await project.aplan()
        here = threading.get_ident()
        heard: list[tuple[wanctl.Event, int]] = []
        result = await project.aapply(
            approve=plan.digest,
            wait=True,
            on_event=lambda event: heard.append((event, threading.get_ident())),
        )
        assert result.converged
        assert {thread for _, thread in heard} == {here}
        assert isinstance(heard[0][0], wanctl.Started)
        assert sum(isinstance(event, wanctl.Done) for event, _ in heard) == 4
        assert (await project.astatus()).converged
        assert (await project.aoutput()).value == project.output().value

    asyncio.run(work())


@pytest.mark.parametrize("method", ["avalidate", "aplan", "astatus"])
def test_the_loop_goes_on_while_datasets_are_read(
    specs: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = wanctl.open(specs)
    work: Callable[[], Coroutine[object, object, object]] = getattr(project, method)
    reading, seen, read = threading.Event(), threading.Event(), project.datasets.read

    def slowly(*arguments: Any) -> Any:
        reading.set()
        assert seen.wait(60), "the loop stood still"
        return read(*arguments)

    monkeypatch.setattr(project.datasets, "read", slowly)

    async def meanwhile() -> None:
        task = asyncio.create_task(work())
        assert await asyncio.to_thread(reading.wait, 60)
        seen.set()
        await task

    asyncio.run(meanwhile())


def test_errors_reach_whoever_waits(specs: Path) -> None:
    async def work() -> None:
        project = wanctl.open(specs)
        with pytest.raises(wanctl.Error, match="is not serving"):
            await project.aoutput()
        with pytest.raises(wanctl.Error, match="is not serving"):
            project.output()
        with pytest.raises(wanctl.Error, match="nobody approved"):
            await project.aapply()

    asyncio.run(work())


def test_several_at_once(specs: Path) -> None:
    async def work() -> set[str]:
        projects = [wanctl.open(specs) for _ in range(3)]
        return {plan.digest for plan in await asyncio.gather(*(one.aplan() for one in projects))}

    assert len(asyncio.run(work())) == 1


def in_real_time(specs: Path) -> wanctl.Project:
    """There a training takes hours."""
    head = yaml.safe_load((specs / "wanctl.yaml").read_text(encoding="utf-8"))
    head |= {"sandbox": {"speed": 1, "seed": 1, "strict": False}, "polling": "20s"}
    (specs / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    return wanctl.open(specs)


def check_left_in_order(project: wanctl.Project) -> None:
    """What was begun is written, and the next run can go on."""
    assert project.store.held() is None
    record = project.record()
    assert record.intents == ()
    assert record.history
    for thread in [one for one in threading.enumerate() if one.name == "wanctl"]:
        thread.join(10)
        assert not thread.is_alive()


def test_an_apply_that_is_canceled_gives_its_lease_back(specs: Path) -> None:
    project = in_real_time(specs)

    async def work() -> None:
        waiting = asyncio.Event()

        def heard(event: wanctl.Event) -> None:
            if isinstance(event, wanctl.Waiting):
                waiting.set()

        plan = await project.aplan()
        task = asyncio.create_task(project.aapply(approve=plan, wait=True, on_event=heard))
        async with asyncio.timeout(60):
            await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    check_left_in_order(project)


def test_an_interrupted_cell_gives_the_lease_back_as_well(specs: Path) -> None:
    """As a notebook's kernel does it, with KeyboardInterrupt in the thread that waits."""
    project = in_real_time(specs)

    def interrupt(event: wanctl.Event) -> None:
        if isinstance(event, wanctl.Waiting):
            os.kill(os.getpid(), signal.SIGINT)

    async def cell() -> None:
        with pytest.raises(Interrupted):
            project.apply(approve=project.plan(), wait=True, on_event=interrupt)

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(cell())
    finally:
        loop.close()
    check_left_in_order(project)
