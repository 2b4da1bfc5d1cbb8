"""Work that a signal ends."""

import asyncio
import platform
import signal
import subprocess
import sys

import pytest

from wanctl.base.running import Interrupted, run


def test_sigterm_cancels_what_is_waited_for() -> None:
    async def work() -> None:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(60)

    with pytest.raises(Interrupted) as ended:
        run(work())
    assert ended.value.signal is signal.SIGTERM


def test_a_signal_in_the_last_step_is_not_lost() -> None:
    finished = []

    async def work() -> None:
        signal.raise_signal(signal.SIGTERM)
        finished.append("written")

    with pytest.raises(Interrupted):
        run(work())
    assert finished == ["written"]


def test_whoever_heard_the_signal_before_hears_it_again() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        run(asyncio.sleep(0))
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


FRAGMENTED = """
from pathlib import Path
from wanctl.base.running import give_memory_back

class Round:
    pass

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1])

made = [bytearray(2000) for _ in range(50_000)]
lives_on = made[::50]
one = Round()
one.itself, one.made = one, made
full = rss()
del made, one
before = rss()
give_memory_back()
print(full, before, rss())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is this C library that keeps what is freed")
def test_what_a_round_left_is_given_back_also_from_between_what_lives_on() -> None:
    """In a process of its own, where nothing else is."""
    ended = subprocess.run([sys.executable, "-c", FRAGMENTED], capture_output=True, text=True, check=True)
    full, before, after = map(int, ended.stdout.split())
    assert before > 0.9 * full, "it refers to itself, so it is still there"
    assert after < 0.6 * full
