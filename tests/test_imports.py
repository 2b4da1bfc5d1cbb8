"""A command imports only what it uses: a plan is read often, and by machines that start cold."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

from typer.models import CommandInfo

import wanctl.cli
from tests.bench.chains import applied
from wanctl.cli.app import MODULES, app, name_of

ROOT = Path(__file__).parents[1]
LOOKING = """
import gc, json, sys
more = set()
def look(event, arguments):
    if event == "open" and str(arguments[0]).endswith("entry_points.txt"):
        raise AssertionError(f"plugins are looked for in {arguments[0]}")
    if event == "open" and str(arguments[0]).endswith((".mp4", ".png", ".jpg")):
        more.add("media of a dataset")
sys.addaudithook(look)
from wanctl.cli import main
sys.argv = ["wanctl", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
more |= {name for name, module in sys.modules.items() if module}
more.add(f"cycles are looked for at {gc.get_threshold()[0]}")
sys.stderr.write("\\n" + json.dumps(sorted(more)))
"""
LIBRARIES = {
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
    "httpx",
    "pydantic",
    "deepdiff",
    "ssl",
    "yaml",
    "tenacity",
    "filelock",
    "asyncio",
}
OF_SPECS = {
    "wanctl.address",
    "wanctl.base",
    "wanctl.catalogue",
    "wanctl.cli",
    "wanctl.dataset",
    "wanctl.finding",
    "wanctl.generation",
    "wanctl.language",
    "wanctl.ledger",
    "wanctl.project",
    "wanctl.render",
    "wanctl.rules",
    "wanctl.studio",
    "pydantic",
    "yaml",
}
OF_A_PLAN = {
    "wanctl.address",
    "wanctl.base",
    "wanctl.catalogue",
    "wanctl.cli",
    "wanctl.dataset",
    "wanctl.engine",
    "wanctl.finding",
    "wanctl.generation",
    "wanctl.kinds",
    "wanctl.language",
    "wanctl.ledger",
    "wanctl.plan",
    "wanctl.project",
    "wanctl.render",
    "wanctl.rules",
    "wanctl.studio",
    "asyncio",
    "httpx",
    "pydantic",
    "ssl",
    "yaml",
}
# not merely the rooms: of these, what an unchanged project does not need
UNUSED = {"wanctl.render.html.plan", "wanctl.render.markdown.plan", "wanctl.dataset.media"}


def imported(*arguments: str, folder: Path = ROOT) -> set[str]:
    """The modules in memory after a command, in a process of its own; and what it opened."""
    ran = subprocess.run(
        [sys.executable, "-c", LOOKING, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return set(json.loads(ran.stderr.splitlines()[-1]))


def rooms(found: set[str]) -> set[str]:
    """The packages of wanctl, and the libraries that are large."""
    ours = {".".join(name.split(".")[:2]) for name in found if name.startswith("wanctl.")}
    return ours | (found & LIBRARIES)


def commands(found: set[str]) -> set[str]:
    """The modules that have commands."""
    return {f"wanctl.cli.{name}" for name in MODULES.values()} & found


def test_the_version_is_told_by_the_door_alone() -> None:
    found = imported("--version")
    assert rooms(found) == {"wanctl.cli"}
    assert commands(found) == set()


def test_the_help_imports_every_command_and_nothing_that_they_use() -> None:
    found = imported("--help")
    assert rooms(found) == {"wanctl.base", "wanctl.cli", "wanctl.render"}
    assert commands(found) == {f"wanctl.cli.{name}" for name in MODULES.values()}


def test_the_help_of_a_command_imports_that_command() -> None:
    found = imported("plan", "--help")
    assert rooms(found) == {"wanctl.cli", "wanctl.render"}
    assert commands(found) == {"wanctl.cli.planning"}


def test_every_command_stands_in_the_tree_with_its_module() -> None:
    for module in pkgutil.iter_modules(wanctl.cli.__path__):
        importlib.import_module(f"wanctl.cli.{module.name}")
    registered = {name_of(one): places_of(one) for one in app.registered_commands}
    assert registered == {name: {f"wanctl.cli.{MODULES[name]}"} for name in registered}
    groups = {str(one.name): one.typer_instance for one in app.registered_groups}
    assert {*registered, *groups} == set(MODULES)
    for name, group in groups.items():
        assert group is not None
        places = set[str]().union(*map(places_of, group.registered_commands))
        assert places <= imported(name, "--help"), "a group has all of its commands"


def places_of(command: CommandInfo) -> set[str]:
    """The module of a command."""
    return {str(getattr(command.callback, "__module__", None))}


def test_of_an_unchanged_project_neither_media_nor_the_sandbox_is_opened() -> None:
    with applied(1) as (specs, requests):
        assert "media of a dataset" in imported("-C", str(specs), "validate"), "it looks at the clips"
        found = imported("-C", str(specs), "validate")
        assert rooms(found) == OF_SPECS
        assert commands(found) == {"wanctl.cli.specs"}
        assert "media of a dataset" not in found
        for number, (words, module) in enumerate(
            ((["plan", "--detailed-exitcode"], "planning"), (["status"], "live")), start=1
        ):
            found = imported("-C", str(specs), *words)
            assert requests() == 3 * number
            assert rooms(found) == OF_A_PLAN
            assert commands(found) == {f"wanctl.cli.{module}"}
            assert found & UNUSED == set()
            assert "media of a dataset" not in found, "their sizes and times tell that they are the same"
        seldom = {one for one in found if one.startswith("cycles are looked for at ")}
        assert not seldom & imported("-C", str(specs), "apply", "--yes"), "it may go on for days"


def test_nothing_is_imported_before_a_ctrl_c_is_heard() -> None:
    """But what Python has by itself: until `main` runs, an interrupt would end in a traceback."""
    text = "import sys; before = set(sys.modules); import wanctl.cli; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"wanctl", "wanctl.cli", "gc"}
