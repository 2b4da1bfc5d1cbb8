"""Keeps many projects of one account in one process: what an idle round reads and takes, and the memory.

    python tests/bench/fleet.py 100 1000

Each project has a chain that is applied already: a round finds nothing to do, as most rounds of every five
minutes do. The account is a sandbox in a process of its own. Prints figures, never a verdict.
"""

import asyncio
import multiprocessing
import resource
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

import yaml

from tests.bench.chains import allow_jobs, point_at
from tests.datasets import small_dataset
from tests.fleet.places import Deaf
from tests.watch.places import SERVING, TRAIN, TUNE, environ, git
from wanctl.base.running import run
from wanctl.cli.faults import spelt
from wanctl.fleet.fleet_file import FleetScope
from wanctl.fleet.running import Crew, FleetOptions, FleetReporter, room_of
from wanctl.project import Project
from wanctl.project.events import Silent
from wanctl.project.host import Host
from wanctl.watch.policy import Policy

ROUNDS = 5
BEST = {
    "kind": "Checkpoint",
    "name": "best",
    "finetune": "rain",
    "checkpoint": "checkpoint-40",
    "unseen": "allow",
}
INSTANT = {"speed": "instant", "seed": 1, "strict": False, "trains_at_once": 10_000}


def serve(folder: str, port: int) -> None:
    import uvicorn

    from wanctl.sandbox import Sandbox

    uvicorn.run(Sandbox.open(Path(folder)).app, host="127.0.0.1", port=port, log_level="error")


@contextmanager
def account(folder: Path, port: int) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(str(folder), port))
    process.start()
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.join()


def applied(clone: Path, count: int, shared: Path) -> None:
    """Projects with a chain each that is applied already, all in one account."""
    shared.mkdir()
    for number in range(count):
        folder = clone / f"rain-{number}"
        small_dataset(folder / "data" / "train", clips=1, note=str(number))  # or all would share one upload
        chain = ({**TRAIN, "source": "data/train"}, TUNE, BEST, SERVING)
        (folder / "all.yaml").write_text(yaml.safe_dump_all(chain), encoding="utf-8")
        head = {"version": 1, "project": f"rain-{number}", "polling": "1d", "sandbox": INSTANT}
        (folder / "wanctl.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
        (folder / ".wanctl").mkdir()
        (folder / ".wanctl" / "sandbox").symlink_to(shared)
        project = Project.open(folder)
        if not number:
            allow_jobs(project, count)
        done = project.apply(approve=lambda *_: True, wait=timedelta(days=20))
        assert done.converged, done.to_text()


def pointed_at(clone: Path, url: str) -> None:
    """The same projects, once their account is served."""
    for ledger in clone.glob("*/.wanctl/ledger.json"):
        point_at(ledger.parents[1], url)
    (clone / ".gitignore").write_text(".wanctl/\n", encoding="utf-8")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "-m", "The fleet")
    git(clone, "push", "--quiet", "origin", "HEAD:main")


def measure(count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wanctl-bench-"))
    try:
        git(folder, "init", "--quiet", "--bare", "-b", "main", str(folder / "remote.git"))
        git(folder, "clone", "--quiet", str(folder / "remote.git"), str(folder / "clone"))
        git(folder / "clone", "checkout", "--quiet", "-b", "main")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # in a process of its own: what it takes to make all this is no part of the peak
        making = multiprocessing.get_context("spawn").Process(target=made, args=(str(folder), count, port))
        making.start()
        making.join()
        with account(folder / "account", port):
            run(rounds(FleetScope.below(folder / "clone", "origin/main", None), count))
    finally:
        shutil.rmtree(folder)


def made(folder: str, count: int, port: int) -> None:
    applied(Path(folder) / "clone", count, Path(folder) / "account")
    pointed_at(Path(folder) / "clone", f"http://127.0.0.1:{port}")


async def rounds(scope: FleetScope, count: int) -> None:
    """Until nothing is to be started, and then some that are measured."""
    options = FleetOptions(scope, room_of(scope.home), timedelta(minutes=5), None, Policy())
    reporter = FleetReporter(lambda _: None, lambda _: Silent(), lambda _: Deaf(), spelt)
    crew = Crew(options, Host(environ=environ()), reporter)
    slots, spent = asyncio.Semaphore(32), list[tuple[float, float]]()
    try:
        for _ in range(2):  # the ledgers learn what the first sees
            await crew.fleet.round(slots)
            await crew.fleet.ended()
            assert set(crew.overview().counts) == {"converged"}, crew.overview().sentence
        for _ in range(ROUNDS):
            before = sum(crew.fleet.readings())
            began, busy = time.perf_counter(), time.process_time()
            await crew.fleet.round(slots)
            await crew.fleet.ended()
            spent.append((time.perf_counter() - began, time.process_time() - busy))
            assert sum(crew.fleet.readings()) - before == 1, "the lists are read once a round"
    finally:
        await crew.close_accounts()
    seconds, busy = (median(one[index] for one in spent) for index in (0, 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = busy / count
    sys.stdout.write(
        f"{count} projects: an idle round {seconds:.2f} s, {busy:.2f} s of a processor "
        f"({each * 1000:.1f} ms each, {busy / 300:.1%} of a core at 5 minutes), one reading of the lists, "
        f"peak {peak:.0f} MB\n"
    )


if __name__ == "__main__":
    for asked in sys.argv[1:] or ["100"]:
        measure(int(asked))
