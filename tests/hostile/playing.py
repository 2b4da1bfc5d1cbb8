"""Plays one hostile input: a project in a folder, a command in a child process, and what came of it.

The child is forked from this process, so that a case takes milliseconds, and has limits of its own: on
processor time, on memory and on the size of what it writes.
"""

import atexit
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.datasets import small_dataset
from tests.harness import HEAD
from tests.scenarios.playing import quiet_surroundings
from wanctl.sandbox import Sandbox

MOST_MEMORY = 200 * 1024**2  # beyond what this process holds itself
MOST_SECONDS = 5  # of the processor, of which a case has as much on a machine that is busy
LONGEST_WAIT = 60.0
MOST_LINES, LAST_LINES = 16, 6  # of an answer that the golden file keeps
SPENDS = {("POST", "/api/v1/fine-tunes"), ("POST", "/api/v1/deployments")}

DOCUMENTS = """\
kind: Dataset
name: train
source: ../data
---
kind: FineTune
name: rain
model: wan2.6-i2v
training: [train]
hyper_parameters: {n_epochs: 40, eval_epochs: 10}
allow: [few-steps]
"""
Prepare = Callable[[Path], None]


@dataclass(frozen=True)
class Hostile:
    """One input: what is done to the project, and the command that meets it."""

    name: str
    command: tuple[str, ...]
    prepare: Prepare
    environ: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None  # in the command's own process
    content: bytes | None = None  # what is met, where it is no more than bytes of one file


@dataclass(frozen=True)
class Met:
    """How the command ended."""

    code: int
    said: str
    grown: int  # bytes of memory
    seconds: float  # of the processor


def begun(root: Path) -> None:
    """A small project that is in order, in root/specs with its data in root/data."""
    (root / ".git").mkdir(parents=True)
    (root / "specs").mkdir()
    shutil.copytree(_data(), root / "data")
    write_settings(root)
    (root / "specs/all.yaml").write_text(DOCUMENTS, encoding="utf-8")


@cache
def _data() -> Path:
    made = Path(tempfile.mkdtemp(prefix="hostile-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    small_dataset(made / "data", clips=1)
    return made / "data"


def write_settings(root: Path, more: str = "", **changed: Any) -> None:
    """wanctl.yaml as the tests have it, with settings changed, and text below it."""
    (root / "specs/wanctl.yaml").write_text(settings_text(**changed) + more, encoding="utf-8")


def settings_text(**changed: Any) -> str:
    return yaml.safe_dump({**HEAD, **changed}, allow_unicode=True)


def meet(case: Hostile, root: Path) -> Met:
    """Run the case in a project of its own; nothing of it may have spent or deleted."""
    begun(root)
    case.prepare(root)
    met = run(case.command, root, case.environ, case.before)
    assert "Traceback" not in met.said, met.said
    assert "fault of wanctl" not in met.said, met.said
    require_modest(case.name, met.seconds, met.grown)
    assert met.code in {0, 1, 2, 3, 130}, f"{met.code}: {met.said}"
    spent = [one for one in requests(root) if one in SPENDS or one[0] == "DELETE"]
    assert not spent, spent
    return met


def require_modest(name: str, seconds: float, grown: int) -> None:
    """No input takes more than is promised, of the processor and of memory."""
    assert grown <= MOST_MEMORY, f"{name} took {grown / 1e6:.0f} MB"
    assert seconds <= MOST_SECONDS, f"{name} took {seconds:.1f} s"


def run(
    command: tuple[str, ...],
    folder: Path,
    environ: Mapping[str, str] | None = None,
    before: Callable[[], object] = lambda: None,
) -> Met:
    """A command of wanctl in a child, which is killed beyond its limits. `before` runs in the child."""
    _load()
    output = folder / ".said"
    held = _resident()
    child = os.fork()
    if not child:
        _play(command, folder, output, environ or {}, before)
    ended, status, used = 0, 0, None
    until = time.monotonic() + LONGEST_WAIT
    while not ended:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if not ended and time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0 if ended else 0.01)
    said = output.read_text(encoding="utf-8", errors="replace")
    output.unlink()
    code = os.waitstatus_to_exitcode(status)
    if used is None:
        return Met(code, said, 0, 0)
    return Met(code, said, used.ru_maxrss * 1024 - held, used.ru_utime + used.ru_stime)


def _play(
    command: tuple[str, ...],
    folder: Path,
    output: Path,
    environ: Mapping[str, str],
    before: Callable[[], object],
) -> None:
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (2 * MOST_SECONDS, 2 * MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(folder / "specs")
        target = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        for number in (1, 2):
            os.dup2(target, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, closefd=False, encoding="utf-8", errors=errors)
            for number, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
        )
        os.environ.clear()
        os.environ.update({**quiet_surroundings(), **environ})
        sys.argv = ["wanctl", *command]
        before()
        code = _code_of_main()
    except BaseException:  # noqa: BLE001 - it is printed as Python does at its end
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 120
        os._exit(code)


def _code_of_main() -> int:
    from wanctl.cli import main

    try:
        main()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1 if ending.code else 0
    return 0


def _load() -> None:
    """What a command would import, imported once before the fork."""
    import wanctl.cli.planning
    import wanctl.cli.specs
    import wanctl.dataset.media
    import wanctl.project
    import wanctl.render.text.plan
    import wanctl.sandbox.api.app  # noqa: F401


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def requests(root: Path) -> list[tuple[str, str]]:
    """What the project's sandbox was asked; a case may have damaged it."""
    state = root / "specs/.wanctl/sandbox"
    if not state.is_dir():
        return []
    try:
        sandbox = Sandbox.open(state)
        try:
            return [(one.method, one.path) for one in sandbox.requests()]
        finally:
            sandbox.close()
    except Exception:  # noqa: BLE001 - a damaged database tells nothing, and was asked nothing
        return []


_DIGEST = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b")
_FIRST_READ = re.compile(
    r"error: GET /\S+:(?=.* cannot be reached)"
)  # of several at once, any may be the first


_ERROR = re.compile(r"^error: |: error: |^Error: ")


def _from_error(lines: list[str]) -> list[str]:
    """What was said from the first error on; all of it where there is none."""
    first = next((number for number, line in enumerate(lines) if _ERROR.search(line)), 0)
    return lines[first:]


def spelt(case: Hostile, met: Met, root: Path) -> str:
    """The case as the golden file keeps it: command, exit code and what was said."""
    said = met.said.replace(str(root.resolve()), "ROOT").replace(str(root), "ROOT")
    lines = _from_error(_DIGEST.sub("DIGEST", _FIRST_READ.sub("error: GET PATH:", said)).splitlines())
    if not met.code:
        lines = lines[-1:]  # it went well, and what else was said is for other tests
    more = len(lines) - MOST_LINES
    if more > 0:
        lines = [*lines[: MOST_LINES - LAST_LINES], f"[{more} more lines]", *lines[-LAST_LINES:]]
    shown = [line if len(line) <= 240 else f"{line[:240]} [{len(line)} characters]" for line in lines]
    command = " ".join(one if len(one) < 80 else f"{one[:76]} …" for one in case.command)
    return "\n".join([f"$ wanctl {command}  [exit {met.code}]", *shown]) + "\n"
