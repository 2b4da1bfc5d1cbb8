"""`wanctl dataset inspect --serve` in a real browser: its user writes captions and excludes, nobody else."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.reading import DESKTOP, PHONE, SCHEMES, Reader, reading
from tests.dataset.filming import Scene, film, landscape
from tests.plain_http import http
from wanctl.project import Project
from wanctl.project.dataset_edits import DatasetEditor
from wanctl.watch.editing import DatasetPage
from wanctl.watch.loopback import served

SPEC = """# The set of the first shoot.
kind: Dataset
name:   train   # for all effects
source: data
target_seconds:   5.0
"""
A, B, C = (f'"first_frame_path": "{one}.png", "video_path":"{one}.mp4"' for one in "abc")
LINES = [
    f'{{ "prompt": "A red wall. Then the s86b5p rain begins.", {A}}}',
    f'{{{B}, "prompt": "A \\u0062lue sea. Then the s86b5p rain begins.", "x": 1.50}}',
    f'{{"prompt": "", {C}}}',
]
SCENES = {
    "a": [Scene(2, 1)],
    "b": [Scene(1, 2), Scene(1, 3)],  # a cut
    "c": [Scene(2, 4, speed=0)],  # it stands still
}


@dataclass
class Served:
    """A page that is shown here, and what it writes."""

    place: Path
    address: str
    page: DatasetPage

    @property
    def spec(self) -> str:
        return (self.place / "a.yaml").read_text(encoding="utf-8")

    @property
    def captions(self) -> list[str]:
        return (self.place / "data" / "data.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / ".git").mkdir()
    (tmp_path / "wanctl.yaml").write_text("version: 1\nproject: p\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text(SPEC, encoding="utf-8")

    for number, (name, scenes) in enumerate(SCENES.items(), 1):
        film(tmp_path / "data" / f"{name}.mp4", scenes)
        landscape(number).save(tmp_path / "data" / f"{name}.png")
    (tmp_path / "data" / "data.jsonl").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    page = DatasetPage(editor=DatasetEditor.of(lambda: Project.open(tmp_path), "train"))
    server, address = served(page)
    yield Served(tmp_path, address, page)
    server.stop()


@pytest.fixture
def reader(browser: Browser, shown: Served) -> Iterator[Reader]:
    with reading(browser, shown.address) as opened:
        yield opened


def said(reader: Reader) -> str:
    reader.until("!document.body.hasAttribute('aria-busy')")
    return reader.page.locator("#said").inner_text()


def test_a_clip_plays_under_the_pointer_and_stops_when_it_leaves(reader: Reader, pictures: Path) -> None:
    clip, video = reader.page.locator(".clip").first, "document.querySelector('video')"
    clip.scroll_into_view_if_needed()
    assert reader.page.evaluate(f"{video}.paused && !{video}.controls")
    clip.hover()
    reader.until(f"{video}.currentTime > 0.1 && !{video}.paused")
    box, picture = clip.locator(".acts").bounding_box(), clip.locator("video").bounding_box()
    assert box
    assert picture
    assert box["y"] >= picture["y"] + picture["height"], "nothing lies over the picture"
    reader.page.screenshot(path=pictures / "dataset-playing.png")
    reader.page.mouse.move(0, 0)
    reader.until(f"{video}.paused && {video}.currentTime === 0")
    clip.get_by_role("button").click()
    reader.page.mouse.move(0, 0)
    reader.until(f"{video}.currentTime > 0.1 && !{video}.paused")
    second = reader.page.locator(".clip").nth(1)
    second.hover()
    reader.until(f"{video}.paused && !document.querySelectorAll('video')[1].paused")
    assert reader.trouble() == []


def test_samples_are_filtered_by_finding_and_by_words(reader: Reader) -> None:
    shown = reader.page.locator("[data-sample]:not([hidden])")
    choices = reader.page.locator("#filter option").all_inner_texts()
    assert choices[:2] == ["All (3)", "With a finding (3)"]
    assert {"scene-cut (1)", "little-motion (1)", "no-prompt (1)"} <= set(choices)
    reader.page.locator("#filter").select_option("scene-cut")
    assert [one.get_attribute("data-name") for one in shown.all()] == ["b.mp4"]
    assert "has 1 scene cut" in shown.inner_text()
    assert reader.page.locator("#count").inner_text() == "1 of 3 shown"
    reader.page.locator("#filter").select_option("")
    reader.page.locator("#words").fill("RED")
    assert [one.get_attribute("data-name") for one in shown.all()] == ["a.mp4"]


def test_a_caption_is_written_and_nothing_else_of_its_line(reader: Reader, shown: Served) -> None:
    sample = reader.page.locator("[data-sample]").nth(1)
    sample.get_by_role("button", name="Edit").click()
    text = sample.locator("textarea")
    assert text.input_value() == "A blue sea. Then the s86b5p rain begins."
    text.fill('A "green" sea.\nThen the s86b5p rain begins. 雨')
    sample.get_by_role("button", name="Save").click()
    assert said(reader) == "Line 2 of data.jsonl is written."
    written = json.dumps('A "green" sea.\nThen the s86b5p rain begins. 雨')
    changed = LINES[1].replace('"A \\u0062lue sea. Then the s86b5p rain begins."', written)
    assert shown.captions == [LINES[0], changed, LINES[2]]
    assert '"green"' in sample.locator(".prompt").inner_text()
    assert shown.spec == SPEC
    reader.page.locator("#undo").click()
    reader.until("document.querySelector('#line-2 .prompt').textContent.includes('blue')")
    assert json.loads(shown.captions[1]) == json.loads(LINES[1])
    assert [shown.captions[0], shown.captions[2]] == [LINES[0], LINES[2]]
    assert reader.trouble() == []


def test_a_missing_caption_is_written_and_its_finding_goes(reader: Reader, shown: Served) -> None:
    sample = reader.page.locator("[data-sample]").nth(2)
    assert "empty prompt" in sample.inner_text()
    sample.get_by_role("button", name="Edit").click()
    sample.locator("textarea").fill("A wall. Then the s86b5p rain begins.")
    reader.page.keyboard.press("Control+Enter")
    assert said(reader) == "Line 3 of data.jsonl is written."
    assert "empty prompt" not in sample.inner_text()
    assert json.loads(shown.captions[2])["prompt"] == "A wall. Then the s86b5p rain begins."


def test_a_caption_that_somebody_else_changed_is_not_overwritten(reader: Reader, shown: Served) -> None:
    sample = reader.page.locator("[data-sample]").first
    sample.get_by_role("button", name="Edit").click()
    other = [LINES[0].replace("wall", "door"), *LINES[1:]]
    (shown.place / "data" / "data.jsonl").write_text("\n".join(other) + "\n", encoding="utf-8")
    sample.locator("textarea").fill("mine")
    sample.get_by_role("button", name="Save").click()
    assert "changed by somebody else" in said(reader)
    assert shown.captions == other
    assert sample.locator("textarea").input_value() == "mine", "what was typed is not lost"


def test_a_sample_is_excluded_in_the_specs_and_taken_in_again(reader: Reader, shown: Served) -> None:
    sample = reader.page.locator("[data-sample]").nth(1)
    sample.get_by_role("button", name="Exclude").click()
    assert said(reader) == "b.mp4 is excluded: a.yaml is written."
    assert shown.spec == SPEC.replace("source: data\n", "source: data\nexclude: [/b.mp4]\n")
    assert shown.captions == LINES
    assert reader.page.locator("#heading").inner_text() == "2 samples, 4 s, 1 excluded"
    assert sample.get_attribute("data-excluded") is not None
    assert "scene-cut (1)" not in reader.page.locator("#filter option").all_inner_texts()
    reader.page.reload()
    sample = reader.page.locator("[data-sample]").nth(1)
    assert sample.get_attribute("data-excluded") is not None
    sample.locator(".clip").hover()
    reader.until("document.querySelectorAll('video')[1].currentTime > 0")
    sample.get_by_role("button", name="Take in again").click()
    said(reader)
    assert shown.spec == SPEC
    assert sample.get_attribute("data-excluded") is None


def test_what_a_person_excluded_by_a_pattern_is_theirs(browser: Browser, shown: Served) -> None:
    (shown.place / "a.yaml").write_text(f'{SPEC}exclude: ["b.*"]  # bad\n', encoding="utf-8")
    with reading(browser, shown.address) as reader:
        button = reader.page.locator("[data-sample]").nth(1).get_by_role("button", name="Take in again")
        assert button.is_disabled()
        reader.page.locator("[data-sample]").first.get_by_role("button", name="Exclude").click()
        said(reader)
        assert shown.spec == f'{SPEC}exclude: ["b.*", /a.mp4]  # bad\n'


def test_everything_goes_by_keys(reader: Reader, shown: Served) -> None:
    keys = reader.page.keyboard
    keys.press("j")
    keys.press("j")
    assert reader.page.evaluate("document.activeElement.dataset.name") == "b.mp4"
    keys.press(" ")
    reader.until("!document.querySelectorAll('video')[1].paused")
    keys.press(" ")
    reader.until("document.querySelectorAll('video')[1].paused")
    keys.press("e")
    assert reader.page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    keys.press("x")
    keys.press("Escape")
    assert reader.page.evaluate("document.activeElement.dataset.name") == "b.mp4"
    assert shown.captions == LINES
    keys.press("x")
    said(reader)
    assert "exclude: [/b.mp4]" in shown.spec
    keys.press("k")
    assert reader.page.evaluate("document.activeElement.dataset.name") == "a.mp4"
    keys.press("f")
    assert reader.page.locator("#filter").input_value() == "*"
    keys.press("/")
    assert reader.page.evaluate("document.activeElement.id") == "words"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_can_be_read_and_heard_on_desk_and_phone(reader: Reader, scheme: Any, pictures: Path) -> None:
    reader.page.locator("[data-sample]").nth(1).get_by_role("button", name="Exclude").click()
    said(reader)
    reader.page.locator("[data-sample]").first.get_by_role("button", name="Edit").click()
    for width in (DESKTOP, PHONE):
        reader.looks(width, scheme)
        reader.picture(pictures / f"dataset-editing-{scheme}-{width}.png")
        assert reader.complaints_of("sideways", "faint", "unheard") == [], width


def test_on_a_phone_a_tap_plays(browser: Browser, shown: Served) -> None:
    size = {"width": PHONE, "height": 720}
    with reading(browser, shown.address, is_mobile=True, has_touch=True, viewport=size) as phone:
        phone.page.locator("video").first.tap()
        phone.until("!document.querySelector('video').paused")
        phone.page.locator("video").first.tap()
        phone.until("document.querySelector('video').paused")


def post(shown: Served, body: Any, **headers: str) -> httpx.Response:
    sent = {
        "Origin": re.match(r"http://[^/]+", shown.address)[0],  # type: ignore[index]
        "Content-Type": "application/json",
        **headers,
    }
    return http.post(f"{shown.address}edit", content=json.dumps(body), headers=sent)


def test_nobody_else_can_look_or_write(shown: Served) -> None:
    edit = {"what": "exclude", "line": 1, "excluded": True}
    origin = shown.address.rsplit("/", 2)[0]
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Content-Type": "text/plain"},
    ):
        assert 400 <= post(shown, edit, **headers).status_code < 500
    assert http.get(f"{origin}/wrong/").status_code == 404
    for path in ("media/../../a.yaml", "media/a.mp4", "media/" + "0" * 24, "edit", "data.jsonl"):
        assert 400 <= http.get(shown.address + path).status_code < 500
    assert (shown.spec, shown.captions) == (SPEC, LINES)


NO_EDITS: tuple[Any, ...] = (
    [],
    "x",
    {},
    {"what": "delete", "line": 1},
    {"what": "exclude", "line": True, "excluded": True},
    {"what": "exclude", "line": 99, "excluded": True},
    {"what": "exclude", "line": 1, "excluded": "yes"},
    {"what": "caption", "line": 0, "before": "", "after": "x"},
    {"what": "caption", "line": -1, "before": "", "after": "x"},
    {"what": "caption", "line": 4, "before": "", "after": "x"},
    {"what": "caption", "line": 99, "before": "", "after": "x"},
    {"what": "caption", "line": 1, "before": "not this", "after": "x"},
    {"what": "caption", "line": 3, "before": "", "after": "x" * 30_000},
    {"what": "caption", "line": 3, "before": "", "after": 5},
    {"what": "undo"},
)


def test_what_is_no_edit_writes_nothing(shown: Served) -> None:
    for body in NO_EDITS:
        answer = post(shown, body)
        assert 400 <= answer.status_code < 500, answer.text
    assert (shown.spec, shown.captions) == (SPEC, LINES)


def test_a_clip_is_given_in_parts(shown: Served) -> None:
    page = http.get(shown.address).text
    found = re.search(r'src="(media/[0-9a-f]{24})"', page)
    assert found
    part = http.get(shown.address + found[1], headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    assert part.headers["content-type"] == "video/mp4"
