"""Every class of mistake and what a person is told: read the files in mistakes/ as documentation.

A file holds the specs (`# file: NAME` begins each), then what is said of them behind a line of =.
`pytest --update` writes what is said now.
"""

from pathlib import Path

import pytest

from tests.language.projects import told

HERE = Path(__file__).parent / "mistakes"
SOURCES = ("data/train", "data/valid", "data/b", "a", "b")  # are there; nobody reads them
RULE = "=" * 60 + "\n"


def _files(text: str) -> dict[str, str]:
    files: dict[str, str] = {}
    name = "specs.yaml"
    for line in text.splitlines(keepends=True):
        if line.startswith("# file: "):
            name = line.removeprefix("# file: ").strip()
            files[name] = ""
        else:
            files[name] = files.get(name, "") + line
    return files


@pytest.mark.parametrize("case", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_mistake(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    for source in SOURCES:
        (tmp_path / source).mkdir(parents=True)
    specs, _, golden = case.read_text(encoding="utf-8").partition(RULE)
    environment = "prod" if "environment-" in case.stem else None
    said = told(tmp_path, _files(specs), environment).replace(str(tmp_path), "ROOT") + "\n"
    if request.config.getoption("--update"):
        case.write_text(specs + RULE + said, encoding="utf-8")
        return
    assert said == golden


def test_every_mistake_is_told_about() -> None:
    silent = [
        path.stem for path in HERE.glob("*.txt") if not path.read_text("utf-8").partition(RULE)[2].strip()
    ]
    assert not silent
