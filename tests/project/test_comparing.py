"""compare: the same inputs and seeds with each side, paid once, on one page."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.harness import Harness, deployment
from tests.scenarios.playing import run_wanctl
from wanctl.plan import Status
from wanctl.project.comparing import sides_of
from wanctl.project.errors import ProjectError

Wanctl = Callable[..., tuple[str, int]]


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two deployments of one checkpoint, and two pictures."""
    root = tmp_path_factory.mktemp("comparing")
    harness = Harness.begun(root)
    (root / "checks").mkdir()
    for name, colour in (("face", "#a06040"), ("street", "#4060a0")):
        picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
        ImageDraw.Draw(picture).ellipse((90, 50, 230, 190), fill=colour)
        picture.save(root / "checks" / f"{name}.png")
    harness.serve(deployment(), deployment("hail", "Then it hails."))
    assert harness.apply().plan.status is Status.CONVERGED
    return root


@pytest.fixture
def harness(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    shutil.copytree(begun, tmp_path / "copied")
    monkeypatch.chdir(tmp_path / "copied")
    monkeypatch.delenv("OUTPUT_DIR", raising=False)
    return Harness(tmp_path / "copied/specs")


def compared(*words: str) -> tuple[str, int]:
    return run_wanctl("compare", *words, "--images", "checks", "--duration", "2")


def tasks(harness: Harness) -> list[dict[str, str]]:
    found: list[dict[str, str]] = harness.call("GET", "/_sandbox/status")["tasks"]
    return found


def page_of(printed: str) -> str:
    (place,) = re.findall(r"\S+/index\.html", printed)
    return Path(place).read_text(encoding="utf-8")


def test_two_deployments_make_the_same_videos_once(harness: Harness) -> None:
    printed, code = compared("rain", "Deployment/hail", "--yes")
    assert code == 0, printed
    assert "4 videos, 8 s" in printed
    assert "cost unknown: nobody told the price per second of wan2.6-i2v" in printed
    page = page_of(printed)
    assert "<h1>2 sides × 2 inputs</h1>" in page
    for label in ("Deployment/rain", "Deployment/hail"):
        assert page.count(f">{label}</option>") == 2, "either side of the wipe"
    assert page.count("<video muted playsinline preload") == 4
    again, code = compared("rain", "Deployment/hail")
    assert (code, "nothing is paid" in again) == (0, True)
    assert len(tasks(harness)) == 4
    more, code = run_wanctl("compare", "rain", "hail", "--images", "checks", "--duration", "3", "--dry-run")
    assert (code, "4 videos, 12 s" in more, len(tasks(harness))) == (0, True, 4)


@pytest.mark.usefixtures("harness")
def test_each_side_gets_the_same_seed() -> None:
    _, code = compared("rain", "hail", "--yes", "--format", "json")
    assert code == 0
    records = [json.loads(one.read_text()) for one in Path("output/ai-video-wan-video/videos").glob("*.json")]
    assert {one["seed"] for one in records} == {1}
    assert len({one["model"] for one in records}) == 2


def test_nobody_pays_without_a_yes(harness: Harness) -> None:
    printed, code = compared("rain", "hail")
    assert code == 1
    assert "add --yes" in printed
    assert tasks(harness) == []


def test_checkpoints_are_deployed_for_a_while(harness: Harness) -> None:
    words = ("checkpoint-30", "40", "--of", "best", "--like", "hail")
    told, code = compared(*words, "--dry-run")
    assert (code, "checkpoint-30 would be deployed for 2h" in told) == (0, True)
    assert len(harness.deployed) == 2
    printed, code = compared(*words, "--yes")
    assert code == 0, printed
    assert "<h1>2 sides × 2 inputs</h1>" in page_of(printed)
    assert (
        {one["model"] for one in tasks(harness)}
        == set(harness.deployed[2:])
        == {one["model"] for one in tasks(harness)}
    )
    assert len(harness.deployed) == 4
    calls = harness.changing_calls()
    _, code = compared(*words)
    assert (code, harness.changing_calls()) == (0, calls)
    harness.advance(3 * 3600)
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(harness.deployed) == 2


def test_a_video_that_fails_leaves_its_place_empty(harness: Harness) -> None:
    harness.rig(next_task="FAILED")
    printed, code = compared("rain", "hail", "--yes")
    assert code == 1
    assert page_of(printed).count('<p class="missing">') == 1
    printed, code = compared("rain", "hail", "--yes")
    assert code == 0, "the next run makes what is missing"
    assert len(tasks(harness)) == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rain"], "2 to 8 different sides"),
        (["rain", "rain"], "2 to 8 different sides"),
        (["rain", "Checkpoint/best"], "name a Deployment, or one of its checkpoints"),
        (["rain", "Deployment/snow"], "the specs hold no Deployment/snow"),
    ],
)
def test_sides_that_cannot_be_compared_are_refused(harness: Harness, words: list[str], said: str) -> None:
    with pytest.raises((ProjectError, ValueError), match=said):
        sides_of(harness.project(), words)
