"""A command imports only what it uses: a plan is read often, and by machines that start cold."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.chains import applied

ROOT = Path(__file__).parents[1]
MODULES = """
import json, sys, threading
more = set()
usual = threading.Thread.start
def start(thread):
    more.add("a second thread")
    usual(thread)
threading.Thread.start = start
def look(event, arguments):
    if event == "open" and str(arguments[0]).endswith("entry_points.txt"):
        raise AssertionError(f"plugins are looked for in {arguments[0]}")
sys.addaudithook(look)
from wanctl.cli import main
sys.argv = ["wanctl", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
more |= {name for name, module in sys.modules.items() if module}
sys.stderr.write("\\n" + json.dumps(sorted(more)))
"""
HEAVY = {
    "av",
    "rich",
    "tornado",
    "PIL",
    "numpy",
    "obstore",
    "fsspec",
    "jinja2",
    "uvicorn",
    "starlette",
    "sqlite3",
    "pygments",
    "markdown_it",
    "imagehash",
    "cronsim",
    "prometheus_client",
    "wanctl.sandbox",
    "wanctl.review",
    "wanctl.render.html.plan",
    "wanctl.render.markdown.plan",
    "wanctl.dataset.media",
}
FOR_THE_SERVICE = {"httpx", "yaml", "tenacity", "asyncio", "wanctl.project", "wanctl.engine"}


def imported(*arguments: str, folder: Path = ROOT) -> set[str]:
    """The modules in memory after a command, in a process of its own; and whether it had a second thread."""
    ran = subprocess.run(
        [sys.executable, "-c", MODULES, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return set(json.loads(ran.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["plan", "--help"]])
def test_words_about_itself_need_nothing_of_the_service(command: list[str]) -> None:
    found = imported(*command)
    assert "wanctl.cli.planning" in found
    assert found & (HEAVY | FOR_THE_SERVICE) == set()


def test_validating_needs_no_network() -> None:
    found = imported("-C", str(ROOT / "specs"), "validate")
    assert "wanctl.language.load" in found
    assert found & (HEAVY - {"av", "PIL", "numpy", "wanctl.dataset.media"}) == set()
    assert "httpcore" not in found


def test_a_plan_of_unchanged_datasets_opens_no_media_and_no_sandbox() -> None:
    with applied(1) as (specs, requests):
        for number, words in enumerate((["plan", "--detailed-exitcode"], ["status"]), start=1):
            found = imported("-C", str(specs), *words)
            assert requests() == 3 * number
            assert "httpx" in found
            assert found & HEAVY == set()
            assert "a second thread" not in found, "it would make the methods of every class at once"
