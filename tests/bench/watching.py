"""A day of `wanctl watch` in minutes: the memory of the loop's process over many pushes.

    python tests/bench/watching.py 500 [--account embedded|served] [--trace]

A real process on a clone, a push before each round, and no pause between two rounds. Each tenth push has
another prompt, which a new deployment makes live. Prints a row every 25 pushes, and what the second half did.
With `--trace` the process tells what holds the memory that it added. Figures, never a verdict.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx

from tests.bench.fleet import account
from tests.watch.places import BEST, HEAD, SERVING, TRAIN, TUNE, Place, environ, make_place
from wanctl.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
EVERY = 25
INSTANT: dict[str, Any] = {"speed": "instant", "seed": 1, "strict": False}
# the loop waits for five seconds between two rounds, however often it is rung
HASTY = """
from datetime import timedelta
from wanctl.watch import loop
loop.SHORTEST_PAUSE = timedelta()
from wanctl.cli import main
"""
# at SIGUSR1 a first look at what is held, at the next one what came since then
TRACING = """
import gc, signal, sys, tracemalloc
tracemalloc.start(12)
seen = []
def look(*_):
    gc.collect()
    seen.append(tracemalloc.take_snapshot())
    if len(seen) > 1:
        for one in seen[-1].compare_to(seen[0], "traceback")[:25]:
            print(one, *one.traceback.format()[-12:], sep="\\n", file=sys.stderr, flush=True)
signal.signal(signal.SIGUSR1, look)
"""


@dataclass(frozen=True)
class Sample:
    """The memory of the process after so many pushes."""

    pushes: int
    rss: float  # MB
    threads: int
    files: int
    seconds: float


def sample(pid: int, pushes: int, began: float) -> Sample:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    )
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    rss = int(status["VmRSS"].split()[0]) / 1024
    return Sample(pushes, rss, int(status["Threads"]), files, time.monotonic() - began)


def chain(number: int) -> tuple[dict[str, Any], ...]:
    """Most pushes change nothing; each tenth has another prompt, which a new deployment makes live."""
    effect = f"Then it rains for the {number // 10}th time."
    live = {**SERVING, "aigc_config": {"prompt": "Describe it.", "lora_prompt_default": effect}}
    return TRAIN, TUNE, BEST, {**live, "strategy": "blue_green", "keep_old": "0s"}


@contextmanager
def looping(place: Place, *, traced: bool, log: Path) -> Iterator[tuple[int, str]]:
    """The process id of the loop, and the address of its page."""
    program = f"{HASTY}{TRACING if traced else ''}\nmain()"
    words = ["watch", "-C", str(place.specs), "--listen", "127.0.0.1:0", "--interval", "1h"]
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *words],
            env={
                **environ(),
                "PYTHONPATH": str(ROOT),
                "WANCTL_WEBHOOK_SECRET": "hook",
                "PYTHONUNBUFFERED": "1",
            },
            stdout=said,
            stderr=said,
        )
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8"))):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        yield process.pid, found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def taken(page: str, commit: str) -> None:
    """Ring, and wait until the round of this commit has come to its plan."""
    headers = {"X-Gitlab-Token": "hook"}
    httpx.post(f"{page}/hook", headers=headers, content=b"{}", trust_env=False, timeout=60).raise_for_status()
    while True:
        told = httpx.get(f"{page}/status.json", trust_env=False, timeout=60).json()
        if told["commit"] and told["commit"]["id"] == commit and told["next_turn"]:
            return
        time.sleep(0.2)


def soak(
    pushes: int, place: Place, head: dict[str, Any], advance: Callable[[], object], *, traced: bool
) -> list[Sample]:
    commit = place.push(*chain(0), head=head)
    found: list[Sample] = []
    with looping(place, traced=traced, log=place.clone.parent / "said") as (pid, page):
        began = time.monotonic()
        for number in range(1, pushes + 1):
            taken(page, commit)
            if number % EVERY == 0:
                found.append(sample(pid, number, began))
                sys.stdout.write(row(found[-1]))
                sys.stdout.flush()
            if traced and number in {pushes // 2, pushes}:
                os.kill(pid, signal.SIGUSR1)
                time.sleep(10)
            advance()
            commit = place.push(*chain(number), head=head)
    if traced:
        sys.stdout.write((place.clone.parent / "said").read_text(encoding="utf-8"))
    return found


def row(one: Sample) -> str:
    return f"{one.pushes:7}  {one.rss:7.1f}  {one.threads:7}  {one.files:5}  {one.seconds:7.0f}\n"


def summary(found: list[Sample]) -> str:
    """What the second half added, against the first."""
    half = found[len(found) // 2]
    return (
        f"from {found[0].rss:.1f} MB to {found[-1].rss:.1f} MB; "
        f"of that in the second half {found[-1].rss - half.rss:+.1f} MB\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pushes", type=int, nargs="?", default=500)
    parser.add_argument("--account", choices=["embedded", "served"], default="served")
    parser.add_argument("--trace", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="wanctl-bench-"))
    try:
        place = make_place(folder)
        served = asked.account == "served"
        url = f"http://127.0.0.1:{free_port()}"
        head = {**HEAD, "sandbox": INSTANT, **({"base_url": url} if served else {})}
        later = {"seconds": 12 * 3600}

        def advance() -> None:
            if served:
                httpx.post(f"{url}/_sandbox/advance", json=later, trust_env=False).raise_for_status()
            else:
                place.advance(**later)

        if served:
            Sandbox.open(folder / "account", **INSTANT).close()
        with account(folder / "account", int(url.rpartition(":")[2])) if served else nullcontext():
            sys.stdout.write(" pushes   RSS MB  threads  files  seconds\n")
            found = soak(asked.pushes, place, head, advance, traced=asked.trace)
        sys.stdout.write(summary(found))
    finally:
        shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    main()
