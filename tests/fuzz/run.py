"""Very many inputs for each target, by atheris (libFuzzer), which sees what code an input reaches.

    make fuzz SECONDS=60                                  # a share of it for each target
    make fuzz SECONDS=600 TARGETS="specs ledger"
    .venv/bin/python -m tests.fuzz.run --replay specs .artifacts/fuzz/specs-crash-…

What was found is in .artifacts/fuzz, and what reached new code is kept there for the next run. A finding
becomes a case of tests/hostile once its cause is gone.
"""

import argparse
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzz.target import Target

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".artifacts" / "fuzz"
LONGEST = 10  # seconds that one input may take; instrumented code is slow
MOST_MEMORY = 1024  # MB of a process
FOUND = ("crash-", "timeout-", "oom-", "leak-")


def main(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument(
        "--replay", nargs=2, metavar=("TARGET", "FILE"), help="meet one input, without atheris"
    )
    parser.add_argument("targets", nargs="*", help="all of them, if none is named")
    asked = parser.parse_args(given)
    if asked.replay:
        return _replay(*asked.replay)
    try:
        import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # `make fuzz` installs it where it runs
    except ImportError:
        return _say("needs atheris, which has no wheel for every Python: make fuzz installs it in .venv-fuzz")
    _say("Instrumenting wanctl…", code=0)
    said = io.StringIO()  # a line for each module
    with redirect_stderr(said), atheris.instrument_imports(include=["wanctl"], enable_loader_override=False):
        targets = _targets(asked.targets)
    share = max(1, asked.seconds // len(targets))
    found = [finding for one in targets for finding in _fuzzed(atheris, one, share)]
    return _say(f"{len(found)} findings in {KEPT}") if found else 0


def _targets(names: list[str]) -> list["Target"]:
    from tests.fuzz.targets import TARGETS

    unknown = set(names) - set(TARGETS)
    if unknown:
        raise SystemExit(f"no target is called {', '.join(unknown)}: there are {', '.join(TARGETS)}")
    return [one for name, one in TARGETS.items() if not names or name in names]


def _fuzzed(atheris: Any, target: "Target", seconds: int) -> list[Path]:
    """A process for each target, since the fuzzer ends the one that it runs in."""
    corpus, log = KEPT / "corpus" / target.name, KEPT / f"{target.name}.log"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (corpus / f"seed-{number:03}").write_bytes(content)
    began, before = time.monotonic(), set(_findings(target.name))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        child = os.fork()
        if not child:
            tempfile.tempdir = place  # the fuzzer ends its process at once: nothing is tidied there
            _fuzz(atheris, target, corpus, log, seconds)
        _, status = os.waitpid(child, 0)
    new = sorted(set(_findings(target.name)) - before)
    code = os.waitstatus_to_exitcode(status)
    _say(f"{target.name:12} {time.monotonic() - began:5.0f} s   {_last(log)}", code=0)
    if code and not new:
        raise SystemExit(f"{target.name}: the fuzzer ended with {code}; see {log}")
    for one in new:
        name = one.relative_to(ROOT)
        _say(f"  found: {name}\n  replay: .venv/bin/python -m tests.fuzz.run --replay {target.name} {name}")
    return new


def _fuzz(atheris: Any, target: "Target", corpus: Path, log: Path, seconds: int) -> None:
    words = log.with_suffix(".dict")
    words.write_text("".join(map(_spelled, target.words)), encoding="ascii")
    with log.open("wb") as out:
        for number in (1, 2):
            os.dup2(out.fileno(), number)
    options = {
        "max_total_time": seconds,
        "timeout": LONGEST,
        "rss_limit_mb": MOST_MEMORY,
        "max_len": 64 * 1024,
        "artifact_prefix": f"{KEPT}/{target.name}-",
        "dict": words,
        "print_final_stats": 1,
    }
    arguments = [f"-{name}={value}" for name, value in options.items() if name != "dict" or target.words]

    def met(content: bytes) -> None:
        target.fed(content)

    atheris.Setup([target.name, *arguments, str(corpus)], met)
    atheris.Fuzz()
    os._exit(0)


def _spelled(word: bytes) -> str:
    """As a dictionary of the fuzzer has it."""
    return '"' + "".join(map("\\x{:02x}".format, word)) + '"\n'


def _findings(name: str) -> Iterator[Path]:
    return (one for kind in FOUND for one in KEPT.glob(f"{name}-{kind}*"))


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    counts = [one.rpartition(":")[2].strip() for one in lines if "number_of_executed_units" in one]
    covered = [one.split("cov:")[1].split()[0] for one in lines if "cov:" in one]
    return f"{counts[-1] if counts else '?'} inputs, {covered[-1] if covered else '?'} places reached"


def _replay(name: str, path: str) -> int:
    (target,) = _targets([name])
    with _seconds():
        said = target.fed(Path(path).read_bytes())
    return _say(said or "it gives a value", code=0)


@contextmanager
def _seconds() -> Iterator[None]:
    began = time.process_time()
    yield
    _say(f"{time.process_time() - began:.1f} s of the processor", code=0)


def _say(text: str, *, code: int = 1) -> int:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
