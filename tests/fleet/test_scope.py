"""Which projects a fleet has: what fleet.yaml says, and what is wrong with it."""

from pathlib import Path

import pytest

from wanctl.fleet.fleet_file import FleetError, FleetScope, Repository, members_of
from wanctl.language.findings import SpecErrors


def project(folder: Path, *environments: str) -> None:
    folder.mkdir(parents=True)
    text = "version: 1\nproject: rain\n"
    if environments:
        text += "environments:\n" + "".join(f"  {name}: {{project: rain-{name}}}\n" for name in environments)
    (folder / "wanctl.yaml").write_text(text, encoding="utf-8")


def names(top: Path, **repository: object) -> list[str]:
    return [str(one) for one in members_of(Repository.model_validate({"path": top, **repository}), top)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    project(tmp_path / "studio" / "a", "staging", "prod")
    project(tmp_path / "studio" / "teams" / "b", "prod")
    project(tmp_path / "studio" / "teams" / "c")
    project(tmp_path / "studio" / ".wanctl" / "fleet" / "d")
    project(tmp_path / "elsewhere")
    (tmp_path / "studio" / "out").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "studio"


def test_every_project_is_found_but_hidden_ones_and_ways_out(clone: Path) -> None:
    assert names(clone) == ["a", "teams/b", "teams/c"]


@pytest.mark.parametrize(
    ("environments", "found"),
    [
        (("prod",), ["a (prod)", "teams/b (prod)"]),
        (("*",), ["a (prod)", "a (staging)", "teams/b (prod)", "teams/c"]),
        (("qa",), []),
    ],
)
def test_environments_that_a_project_does_not_have_are_passed_over(
    clone: Path, environments: tuple[str, ...], found: list[str]
) -> None:
    assert names(clone, environments=environments) == found


def test_folders_are_named_by_patterns(clone: Path) -> None:
    assert names(clone, projects=("teams/*",)) == ["teams/b", "teams/c"]


def test_paths_start_from_the_file(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = clone.parent / "fleet.yaml"
    file.write_text("version: 1\nrepositories: [{path: studio, ref: origin/live}]\n", encoding="utf-8")
    monkeypatch.chdir("/")
    scope = FleetScope.read(file)
    assert [one.path for one in scope.repositories] == [clone]
    assert scope.home == clone.parent


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("", "1:1", "it must be a mapping"),
        ("[", "2:1", "YAML"),
        ("version: 1\n", "1:1", "repositories"),
        ("version: 2\nrepositories: [{path: .}]\n", "1:10", "version"),
        ("version: 1\nrepositories: [{pth: .}]\n", "2:17", 'no key "pth"'),
        ("version: 1\nrepositories: [{projects: [../x]}]\n", "2:", "a folder within the repository"),
        ("version: 1\nrepositories: [{path: a}, {path: a}]\n", "2:", "must name each clone once"),
        ("version: 1\nhome: /\nrepositories: [{path: .}]\n", "2:1", "home"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, text: str, place: str, sentence: str) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecErrors) as raised:
        FleetScope.read(file)
    assert f"{file}:{place}" in str(raised.value)
    assert sentence in str(raised.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="cannot be read"):
        FleetScope.read(tmp_path / "fleet.yaml")
    (tmp_path / "fleet.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FleetError, match="no text"):
        FleetScope.read(tmp_path / "fleet.yaml")
