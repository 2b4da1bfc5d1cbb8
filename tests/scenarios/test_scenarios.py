"""Each folder beside this file is a scenario: read its script and its golden output as documentation."""

import os
from pathlib import Path

import pytest

from tests.scenarios.playing import play, quiet_surroundings

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent.name for path in HERE.glob("*/script"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for key in list(os.environ):
        monkeypatch.delenv(key)
    for key, value in quiet_surroundings().items():
        monkeypatch.setenv(key, value)
    played = dict(zip(("output.golden", "requests.golden"), play(HERE / name, tmp_path / name), strict=True))
    for file, text in played.items():
        golden = HERE / name / file
        if request.config.getoption("--update"):
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8"), f"{golden} differs; --update rewrites it"
