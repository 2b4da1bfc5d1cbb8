"""The page of a dataset: its pictures are in it, and a clip is fetched when somebody plays it, not before."""

from collections.abc import Callable
from pathlib import Path

from tests.browser.reading import DESKTOP, PHONE, Reader
from tests.browser.test_plan_page import HOSTILE
from tests.dataset.making import annotations, folder, good, sample
from wanctl.address import Address
from wanctl.dataset.checks import check_dataset
from wanctl.dataset.reading import read_dataset
from wanctl.language.inspection import inspection
from wanctl.language.load import load_project
from wanctl.render.html.dataset import write_page
from wanctl.render.visible import visible

Read = Callable[..., Reader]


def written(place: Path, members: dict[str, bytes]) -> str:
    """The address of the page of these members."""
    source = folder(place / "data", members)
    (place / "wanctl.yaml").write_text("version: 1\nproject: p\n", encoding="utf-8")
    (place / "a.yaml").write_text("kind: Dataset\nname: train\nsource: data\n", encoding="utf-8")
    facts = read_dataset(source)
    found = inspection(
        load_project(place), Address.dataset("train"), source, "data", facts, check_dataset(facts)
    )
    write_page(found, place / "page.html")
    return (place / "page.html").as_uri()


def test_frames_are_drawn_and_clips_play_when_asked(tmp_path: Path, read: Read) -> None:
    address = written(tmp_path, good(3))
    reader = read(address, own=tmp_path.as_uri())
    frames = reader.page.locator("img")
    for frame in frames.all():
        frame.scroll_into_view_if_needed()
    reader.until("[...document.images].every((one) => one.complete && one.naturalWidth === 64)")
    assert reader.page.locator("li").get_by_role("img").count() == 3
    assert [one for one in reader.asked if not one.startswith("data:")] == [address]
    clip = reader.page.locator("video").nth(1)
    assert clip.get_attribute("aria-label") == "clip_2.mp4"
    clip.evaluate("one => { one.load(); one.preload = 'auto'; }")
    reader.until("document.querySelectorAll('video')[1].networkState !== HTMLMediaElement.NETWORK_EMPTY")
    reader.page.wait_for_timeout(100)
    clips = [one for one in reader.asked if one.endswith(".mp4")]
    assert set(clips) == {f"{tmp_path.as_uri()}/data/clip_2.mp4"}
    assert reader.trouble() == []


def test_captions_stand_beside_their_clips_on_a_desk_and_below_them_on_a_phone(
    tmp_path: Path, read: Read
) -> None:
    reader = read(written(tmp_path, good(2)))
    for width, beside in ((DESKTOP, True), (PHONE, False)):
        reader.looks(width)
        media, caption = (reader.page.locator(what).first.bounding_box() for what in (".media", ".caption"))
        assert media
        assert caption
        assert (caption["x"] >= media["x"] + media["width"]) is beside
        assert (caption["y"] >= media["y"] + media["height"]) is not beside
        first, last = (reader.page.locator("figure").nth(at).bounding_box() for at in (0, 1))
        assert first
        assert last
        assert first["y"] == last["y"]  # side by side


def test_untrusted_captions_and_names_are_texts(tmp_path: Path, read: Read) -> None:
    samples = [sample(1, prompt=word) for word in HOSTILE]
    missing = sample(1, video_path='"><img src=x onerror="ran.push(1)">.mp4')
    reader = read(
        written(tmp_path, good(1) | {"data.jsonl": annotations(*samples, missing)}), bypass_csp=True
    )
    texts = reader.page.locator(".samples").inner_text()
    for word in HOSTILE:
        assert visible(word) in texts, word
    assert "onerror" in texts
    assert reader.page.locator("img").count() == len(HOSTILE) + 1
    for width in (DESKTOP, PHONE):
        reader.looks(width)
        assert reader.complaints_of("sideways", "faint") == []
    doors = {one.partition(">")[0].partition(" ")[0] for one in reader.measure("doors")}
    assert doors == {"<button", "<select", "<input", "<script"}, "no way leads out"
    assert reader.trouble() == []
