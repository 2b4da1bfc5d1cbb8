"""Plays a scenario: a folder with specs and a script of commands, against its own sandbox.

`wanctl …` runs in this process, with its output captured; every other command is a shell's. The transcript
and the requests that the sandbox answered are what the scenario's golden files hold.
"""

import contextlib
import functools
import hashlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from wanctl.cli import main
from wanctl.dataset.clip_measures import ClipMeasures, MeasureCache
from wanctl.dataset.viewing import view_clip
from wanctl.sandbox import RequestLine, Sandbox

_WHOLE_ACCOUNT = {
    "GET /compatible-mode/v1/files?purpose=fine-tune&limit=1000 → 200",
    "GET /api/v1/fine-tunes?page_no=1&page_size=100 → 200",
    "GET /api/v1/deployments?page_no=1&page_size=100 → 200",
}
DATA = Path(__file__).parents[2] / "examples" / "data"
_PRINTED_BY_WANCTL = re.compile(r"\$\((wanctl [^()|;]*)\)")


def play(scenario: Path, stage: Path) -> tuple[str, str]:
    """Run the script in a copy of the scenario; give the transcript and the requests."""
    shutil.copytree(scenario.parent / "base", stage)
    shutil.copytree(scenario, stage, ignore=shutil.ignore_patterns("*.golden", "script"), dirs_exist_ok=True)
    (stage / ".git").mkdir()  # the project's root: data/ is inside it
    with contextlib.suppress(FileNotFoundError):
        shutil.copytree(DATA, stage / "data", dirs_exist_ok=True)
    MeasureCache(stage / "specs" / ".wanctl" / "cache").remember(_looked_at())
    transcript = []
    with contextlib.chdir(stage):
        for line in (scenario / "script").read_text(encoding="utf-8").splitlines():
            if line.startswith("$ "):
                output, code = _run(line.removeprefix("$ "))
                ending = f"[exit {code}]\n" if code else ""
                transcript.append(f"{line}\n{output}{ending}\n")
            else:
                transcript.append(f"{line}\n" if line else "")
    return "".join(transcript), _requests(stage)


@functools.cache
def _looked_at() -> dict[str, ClipMeasures]:
    """The measures of the examples' clips, as an earlier plan left them: decoded once for all."""
    measures = {}
    for path in DATA.glob("*/*.mp4"):
        with path.open("rb") as file:
            measures[hashlib.sha256(path.read_bytes()).hexdigest()] = view_clip(file)
    return measures


def _run(command: str) -> tuple[str, int]:
    if command.startswith("wanctl "):
        command = _PRINTED_BY_WANCTL.sub(
            lambda found: run_wanctl(*shlex.split(found[1])[1:])[0].strip(), command
        )
    words = [] if "$(" in command else shlex.split(command)
    if words and words[0] == "wanctl":
        return run_wanctl(*words[1:])
    found = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - the scenario's own words
    return found.stdout + found.stderr, found.returncode


def _printed(found: re.Match[str]) -> str:
    return run_wanctl(*shlex.split(found[1])[1:])[0].strip()


def run_wanctl(*arguments: str) -> tuple[str, int]:
    """The command in this process: what it printed, in order, and its exit code."""
    printed, code = io.StringIO(), 0
    before = sys.argv
    sys.argv = ["wanctl", *arguments]
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            main()
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    finally:
        sys.argv = before
    return printed.getvalue(), code


def _requests(stage: Path) -> str:
    state = stage / "specs" / ".wanctl" / "sandbox"
    if not state.exists():
        return ""
    sandbox = Sandbox.open(state)
    try:
        lines = [_spell(request) for request in sandbox.requests()]
    finally:
        sandbox.close()
    return "".join(f"{line}{f'  ({count} times)' if count > 1 else ''}\n" for line, count in _folded(lines))


def _spell(request: RequestLine) -> str:
    status = request.status or "no answer"
    if request.path.startswith("/_oss/"):
        return f"{request.method} a signed link → {status}"
    query = f"?{request.query}" if request.query else ""
    return f"{request.method} {request.path}{query} → {status}"


def _folded(lines: list[str]) -> list[tuple[str, int]]:
    """The three lists that every plan reads as one line, and runs of a line once with their count."""
    folded: list[tuple[str, int]] = []
    while lines:
        if set(lines[:3]) == _WHOLE_ACCOUNT:
            line, lines = "GET files, fine-tunes and deployments, whole", lines[3:]
        else:
            line, lines = lines[0], lines[1:]
        if folded and folded[-1][0] == line:
            folded[-1] = (line, folded[-1][1] + 1)
        else:
            folded.append((line, 1))
    return folded


def quiet_surroundings() -> dict[str, str]:
    """An environment in which nothing of this machine shows."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.pop("PATH", "/usr/bin:/bin")])
    return {
        **kept,
        "PATH": path,
        "HOME": "/nonexistent",
        "USER": "ci",
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
