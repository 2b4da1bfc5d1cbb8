"""Work that a signal ends."""

import asyncio
import signal

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
