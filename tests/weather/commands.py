"""`wanctl` in a process of its own, which can really be killed; it sees the account's time for the machine's.

The process is forked from this one, which has everything imported: what it does and says is the same.
"""

import contextlib
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from unittest import mock

from tests.crash.disasters import Disaster, Hooks, Kind, Moment, Point
from tests.crash.forks import preload
from tests.harness import Harness, deployment
from tests.scenarios.playing import quiet_surroundings, run_wanctl
from tests.weather.account import open_account
from tests.weather.falls import Fall
from tests.weather.proxy import key_of
from wanctl.sandbox import Sandbox
from wanctl.studio.client import Studio

PATIENCE = 150.0  # real seconds for one command
NEVER_ENDED = "it never ended"


@dataclass(frozen=True)
class Place:
    """Where a life is lived."""

    project: Path  # the folder with data and specs
    account: Path
    home: Path
    seed: int

    @property
    def specs(self) -> Path:
        return self.project / "specs"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and all that it said."""

    words: tuple[str, ...]
    code: int  # negative: the signal that ended it
    said: str


def warmed(folder: Path) -> None:
    """Import everything, and do once what is done at its first use: a fork need not do it again."""
    preload()
    harness = Harness.begun(folder)
    harness.serve(deployment())
    with contextlib.chdir(harness.specs):
        for words in (("apply", "--yes", "--wait"), ("review", "rain"), ("plan",), ("status",)):
            said, code = run_wanctl(*words)
            assert code == 0, said


class AccountTime:
    """The account's time, which waiting moves on; the machine's clock may be off."""

    def __init__(self, sandbox: Sandbox, skew: int) -> None:
        self._sandbox, self._skew = sandbox, timedelta(seconds=skew)

    def now(self) -> datetime:
        return self._sandbox.now() + self._skew

    async def sleep(self, seconds: float) -> None:
        self._sandbox.advance(timedelta(seconds=seconds))

    def monotonic(self) -> float:
        return self._sandbox.now().timestamp()


class Command:
    """One command that runs."""

    def __init__(self, place: Place, number: int, words: tuple[str, ...], fall: Fall) -> None:
        self._place, self._number, self._words, self._fall = place, number, words, fall
        self._log = place.home / f"said-{number}"
        self._ready, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            self._run()
        os.close(self._ready)
        self._status: int | None = None

    def begin(self) -> None:
        """It is known to whoever counts its requests."""
        os.write(self._go, b"1")
        os.close(self._go)

    @property
    def over(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        return self._status is not None

    def ended(self, until: Callable[[], bool] = lambda: False) -> Ended | None:
        """Wait for its end, or until something else has come to pass."""
        deadline, pause = time.monotonic() + PATIENCE, 0.002
        while not self.over:
            if until():
                return None
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return Ended(self._words, -signal.SIGKILL, f"{self._text()}\n{NEVER_ENDED}")
            time.sleep(pause)
            pause = min(pause * 1.2, 0.05)
        status = self._status or 0
        return Ended(self._words, os.waitstatus_to_exitcode(status), self._text())

    def _text(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _run(self) -> None:
        """In the child: nothing of this process shows, and nothing comes back."""
        code = 1
        try:
            os.read(self._ready, 1)
            said = os.open(self._log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for handle, number in ((nothing, 0), (said, 1), (said, 2)):
                os.dup2(handle, number)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(
                    number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler
                )
            os.environ.clear()
            os.environ.update(self._environment())
            os.chdir(self._place.project)
            code = self._wanctl()
        except BaseException:  # noqa: BLE001 - a child never comes back
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(code)

    def _environment(self) -> dict[str, str]:
        key = key_of(self._number)
        return {**quiet_surroundings(), "HOME": str(self._place.home), "DASHSCOPE_API_KEY": key}

    def _wanctl(self) -> int:
        for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
        random.seed(f"{self._place.seed}/{self._number}")
        clock = AccountTime(open_account(self._place.account, self._place.seed), self._fall.skew)
        studio = partial(Studio, sleep=clock.sleep, monotonic=clock.monotonic)
        mock.patch("wanctl.project.provider.Studio", studio).start()
        mock.patch("wanctl.project.provider.WallClock", return_value=clock).start()
        if self._fall.write:
            name, number = self._fall.write
            moment = Moment(Kind.WRITE, number, "")
            Hooks(self._place.project, Point(moment, Disaster(name))).install()
        sys.argv = ["wanctl", *self._words]
        from wanctl.cli import main

        try:
            main()
        except SystemExit as exit_:
            return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        return 0
