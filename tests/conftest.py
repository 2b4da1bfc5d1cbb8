"""Options that all tests share, and what is said of tests that could not run."""

import gc
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Compiled once and kept, also where the machine says otherwise: else each process that a test starts compiles
# wanctl anew, and each run of the tests compiles the tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What the tests write need not outlive a power cut: in memory, where there is plenty of it, nobody waits for
# the disk, which is half of the time of a run.
MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
PLENTY = 4 << 30  # bytes
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > PLENTY:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# A shell has what it runs in the background ignore Ctrl-C, and with it all that the tests start: but some of
# them want to see a command end by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure: examples are judged by what they do, never by how long they take.
settings.register_profile("wanctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wanctl")

STRICT = "WANCTL_TEST_STRICT"  # set where every tool has to be there, as in CI
LACKS = "needs "  # how the reason of a skip begins that a tool is missing for


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="Rewrite the golden files of the scenarios.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for a real API server is of those tests that `make kubernetes` runs."""
    for item in items:
        if "kubeconfig" in getattr(item, "fixturenames", ()):
            item.add_marker("kubernetes")


def pytest_collection_finish() -> None:
    """What is there before the first test stays to the end: no need to look through it for garbage again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where every tool has to be there, a test that was skipped for want of one is a failure."""
    if os.environ.get(STRICT) and _skipped_for_tools(session.config) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = _skipped_for_tools(terminalreporter.config)
    for reason in dict.fromkeys(reasons):
        count = reasons.count(reason)
        were = "1 test was" if count == 1 else f"{count} tests were"
        terminalreporter.write_line(f"{were} not run: {reason}", yellow=True)
    if reasons and os.environ.get(STRICT):
        terminalreporter.write_line(f"{STRICT} is set: tests that are not run are failures", red=True)


def _skipped_for_tools(config: pytest.Config) -> list[str]:
    """The reasons of all tests that a tool was missing for; empty in the workers of a parallel run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    reasons = [str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped]
    return [reason for reason in reasons if reason.startswith(LACKS)]
