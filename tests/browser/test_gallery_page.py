"""The gallery of a review: rows play in step, two checkpoints under a wipe, stars and notes, and only what is
seen is in memory."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.reading import DESKTOP, PHONE, SCHEMES, SMALL_PHONE, Reader, reading
from tests.browser.test_plan_page import HOSTILE
from tests.review.making import review, stored
from wanctl.address import Address
from wanctl.generation.judge import Judge, Rubric, Score
from wanctl.render.html.gallery import GalleryOptions, write_gallery
from wanctl.render.visible import visible
from wanctl.review.collecting import Candidate, Review, Showing
from wanctl.review.judging import Advice, JudgedPreview
from wanctl.review.store import StoredMedia

Read = Callable[..., Reader]
LABELS = ("checkpoint-9", "checkpoint-10", "checkpoint-20", "checkpoint-100")
PROMPTS = ("A harbour at dusk. Then it rains.", "A dancer on a stage. Then it rains.", "视频开头是港口。")
CHOICES = (Address.parse("Checkpoint/best"),)
_FIRST_ROW = "[...document.querySelectorAll('.row')[0].querySelectorAll('video')]"
TIMES = f"{_FIRST_ROW}.filter(v => v.readyState > 1).map(v => v.currentTime)"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    made = review(folder / "drawn", LABELS, PROMPTS, serves="checkpoint-10")
    return write_gallery(made, folder / "page", folder / "pictures", GalleryOptions("rain", CHOICES))


def opened(read: Read, page: Path) -> Reader:
    return read(page.as_uri(), own=page.parent.as_uri())


def asked(reader: Reader, ending: str) -> set[str]:
    return {one for one in reader.asked if one.endswith(ending)}


def test_checkpoints_stand_in_the_order_of_their_numbers_beside_the_input(read: Read, gallery: Path) -> None:
    reader = opened(read, gallery)
    for number, prompt in enumerate(PROMPTS):
        row = reader.page.locator(".row").nth(number)
        assert row.locator(".label").all_inner_texts() == list(LABELS)
        assert row.locator(".prompt").inner_text() == prompt
        assert row.locator(".frames img").count() == 1
    assert reader.page.locator(".row").first.locator(".cell.serves .label").inner_text() == "checkpoint-10"
    assert reader.page.locator(".candidate code").all_inner_texts() == [
        f"wanctl choose Checkpoint/best {label} --reviewed" for label in LABELS
    ]
    reader.until(
        "[...document.images].filter(i => i.checkVisibility()).every(i => i.complete && i.naturalWidth)"
    )
    assert reader.trouble() == []


def test_a_row_plays_pauses_and_is_scrubbed_as_one(read: Read, gallery: Path) -> None:
    reader = opened(read, gallery)
    reader.until("document.querySelectorAll('.row')[0].querySelectorAll('video')[3].readyState > 0")
    row = reader.page.locator(".row").first
    row.locator(".toggle").click()
    reader.until(f"{TIMES}.length === 4 && Math.min(...{TIMES}) > 0.3")
    times = reader.page.evaluate(TIMES)
    assert max(times) - min(times) < 0.25, times
    playing = (
        "[...document.querySelectorAll('.row')]"
        ".map(r => [...r.querySelectorAll('video')].filter(v => !v.paused).length)"
    )
    assert reader.page.evaluate(playing) == [4, 0, 0]
    row.locator(".toggle").click()
    reader.until("[...document.querySelectorAll('video')].every(v => v.paused)")
    row.locator(".scrub").fill("500")
    reader.until(f"{TIMES}.every(t => Math.abs(t - 1.5) < 0.01)")
    assert row.locator(".clock").inner_text() == "1.5 s"
    reader.page.select_option("#speed", "2")
    row.locator(".cell").nth(2).focus()
    reader.page.keyboard.press(" ")
    reader.until(
        "document.querySelector('video').playbackRate === 2 && !document.querySelector('video').paused"
    )
    assert reader.trouble() == []


def test_a_row_begins_again_or_ends_as_it_is_told(read: Read, gallery: Path) -> None:
    reader = opened(read, gallery)
    reader.until("document.querySelector('video').readyState > 0")
    row = reader.page.locator(".row").first
    reader.page.select_option("#speed", "2")
    row.locator(".scrub").fill("900")
    row.locator(".toggle").click()
    reader.until(f"Math.max(...{TIMES}) < 1.5")  # it looped
    reader.page.uncheck("#loop")
    reader.until("document.querySelector('.toggle').textContent === 'Play'")
    reader.until(f"Math.min(...{TIMES}) > 2.5")


def test_two_checkpoints_lie_under_a_wipe_or_side_by_side(read: Read, gallery: Path) -> None:
    reader = opened(read, gallery)
    reader.page.locator(".row").nth(1).locator(".compare").nth(3).click()
    values = "[left.value, right.value, sample.value].map(Number)"
    assert reader.page.evaluate(values) == [1, 3, 1]  # what serves now is on the left
    reader.until("one.readyState > 1 && two.readyState > 1")
    assert reader.page.locator(".side").all_inner_texts() == ["checkpoint-10", "checkpoint-100"]
    shown = "getComputedStyle(two).clipPath"
    assert reader.page.evaluate(shown) == "inset(0px 0px 0px 50%)"
    for _ in range(3):
        reader.page.keyboard.press("ArrowRight")
    assert reader.page.evaluate(shown) == "inset(0px 0px 0px 65%)"
    assert reader.page.evaluate("one.getBoundingClientRect().left === two.getBoundingClientRect().left")
    reader.page.locator("#where").fill("500")
    reader.until("Math.abs(one.currentTime - 1.5) < 0.05 && Math.abs(two.currentTime - 1.5) < 0.05")
    reader.page.locator("#both").click()
    reader.until("one.currentTime > 1.6 && Math.abs(one.currentTime - two.currentTime) < 0.2")
    reader.page.keyboard.press("w")
    assert reader.page.evaluate("one.getBoundingClientRect().right <= two.getBoundingClientRect().left")
    assert reader.page.evaluate(shown) == "none"
    reader.page.keyboard.press("ArrowDown")
    assert reader.page.evaluate(values) == [1, 3, 2]
    reader.page.keyboard.press("Escape")
    assert reader.page.evaluate("!comparison.open && !one.hasAttribute('src')")
    assert reader.trouble() == []


def test_stars_and_notes_are_kept_and_exported(read: Read, gallery: Path, tmp_path: Path) -> None:
    reader = opened(read, gallery)
    reader.page.locator(".row").nth(2).locator(".cell").nth(1).focus()
    reader.page.keyboard.press("ArrowRight")
    reader.page.keyboard.press("s")
    reader.page.locator(".row").first.locator(".star").nth(2).click()
    reader.page.locator(".note").nth(2).fill("Rain falls evenly. <b>No</b> smear.")
    reader.page.reload()
    assert reader.page.locator(".is-starred").count() == 2
    assert reader.page.locator(".stars").all_inner_texts() == ["", "", "★ 2", ""]
    with reader.page.expect_download() as started:
        reader.page.click("#export")
    started.value.save_as(tmp_path / "notes.json")
    exported = json.loads((tmp_path / "notes.json").read_text(encoding="utf-8"))
    assert exported["review"].startswith("sha256:")
    assert exported["stars"] == [
        {"checkpoint": "checkpoint-20", "sample": 1},
        {"checkpoint": "checkpoint-20", "sample": 3},
    ]
    assert exported["notes"] == {"checkpoint-20": "Rain falls evenly. <b>No</b> smear."}
    reader.page.check("#starred")
    assert reader.page.locator(".cell:visible").count() == 2


def test_what_serves_from_another_training_has_notes_of_its_own(read: Read, tmp_path: Path) -> None:
    made = review(tmp_path / "drawn", ("checkpoint-1", "checkpoint-2"), PROMPTS[:1])
    serves = replace(made.candidates[0], job_id="ft-before", serves=True)
    both = replace(made, candidates=(serves, *made.candidates))
    page = write_gallery(both, tmp_path / "page", tmp_path / "pictures", GalleryOptions("rain", CHOICES))
    reader = opened(read, page)
    reader.page.locator(".note").first.fill("What we have.")
    reader.page.locator(".star").first.click()
    reader.page.reload()
    notes = "[...document.querySelectorAll('.note')].map(one => one.value)"
    assert reader.page.evaluate(notes) == ["What we have.", "", ""]
    assert reader.page.locator(".is-starred").count() == 1
    assert "of ft-before" in reader.page.locator(".candidate").first.inner_text()
    assert reader.page.locator(".candidate").first.locator("code").count() == 0, "it is no candidate"


def test_a_row_that_was_out_of_sight_stands_where_it_stood(read: Read, gallery: Path) -> None:
    reader = opened(read, gallery)
    reader.page.set_viewport_size({"width": DESKTOP, "height": 300})
    reader.until("document.querySelector('video').readyState > 0")
    reader.page.locator(".scrub").first.fill("500")
    reader.until(f"Math.abs({TIMES}[0] - 1.5) < 0.01")
    reader.page.evaluate("document.activeElement.blur(); scrollTo(0, document.body.scrollHeight)")
    reader.until("!document.querySelector('video').hasAttribute('src')")
    reader.page.evaluate("scrollTo(0, 0)")
    reader.until(f"{TIMES}.length === 4 && {TIMES}.every(t => Math.abs(t - 1.5) < 0.01)")
    assert reader.page.locator(".scrub").first.input_value() == "500"
    assert reader.page.locator(".clock").first.inner_text() == "1.5 s"


def test_the_advice_of_a_judge_is_text_beside_what_it_is_about(
    read: Read, tmp_path: Path, pictures: Path
) -> None:
    made = review(tmp_path / "drawn", LABELS[:2], PROMPTS[:1])
    judge = Judge("qwen3-vl-plus", Rubric(subject_kept=None, motion_complete=None, no_distortion=HOSTILE[0]))
    first, second = (one.showings[0] for one in made.candidates)
    said = {
        judge.key(first): JudgedPreview(
            (Score("effect_present", 7, "It rains."), Score("no_distortion", 9, HOSTILE[0]))
        ),
        judge.key(second): JudgedPreview(problem=HOSTILE[1]),
    }
    advices = (Advice(judge, said, ("Checkpoint/best",)),)
    options = GalleryOptions("rain", CHOICES, advices=advices)
    reader = opened(read, write_gallery(made, tmp_path / "page", tmp_path / "pictures", options))
    cells = reader.page.locator(".row").first.locator(".cell")
    assert cells.first.locator("summary").inner_text() == "judge 7 of 10"
    assert "not judged" in cells.nth(1).locator(".judged").inner_text()
    assert reader.page.locator(".candidate").first.locator(".verdict").inner_text() == "judged 7 of 10"
    assert reader.page.locator(".candidate").nth(1).locator(".verdict").count() == 0
    reader.unfold()
    assert cells.first.locator("dt").all_inner_texts() == ["effect present 7", "no distortion 9"]
    assert visible(HOSTILE[0]).strip() in str(cells.first.locator("dd").nth(1).text_content())
    for width in (DESKTOP, PHONE):
        reader.looks(width)
        reader.picture(pictures / f"gallery-judged-{width}.png")
        assert reader.complaints_of("sideways", "collisions", "faint") == [], width
    assert reader.trouble() == []


def test_strips_and_differences_show_when_asked_for(read: Read, gallery: Path) -> None:
    reader = opened(read, gallery)
    media = gallery.parent / "media"
    drawn = {one.name for what in ("strip", "since") for one in media.glob(f"*{what}*")}
    assert len(drawn) == 12 + 9
    assert not any(one.rpartition("/")[2] in drawn for one in reader.asked)
    reader.page.check("#strips")
    reader.page.check("#heats")
    row = reader.page.locator(".row").first
    assert row.locator(".strip:visible").count() == 4
    assert row.locator(".heat:visible").count() == 3
    assert row.locator(".heat").first.get_attribute("alt") == "Where checkpoint-10 differs from checkpoint-9"
    assert "unlike checkpoint-9" in row.locator(".measures").nth(1).inner_text()


def test_hostile_texts_are_texts_and_name_no_file(read: Read, tmp_path: Path) -> None:
    labels = ("../../x", "checkpoint-1/../../y", *HOSTILE)
    base = review(tmp_path / "drawn", ("checkpoint-1",), HOSTILE)
    showings = base.candidates[0].showings
    made = replace(
        base,
        job_id=HOSTILE[0],
        model=HOSTILE[1],
        candidates=tuple(Candidate(label, showings, problem=label) for label in labels),
    )
    page = write_gallery(
        made, tmp_path / "a" / "b" / "page", tmp_path / "pictures", GalleryOptions(HOSTILE[2])
    )
    written = {str(one.relative_to(page.parent)) for one in page.parent.rglob("*") if one.is_file()}
    assert all(
        name == "index.html" or set(name) <= set("media/0123456789abcdef-.jpegsnincotrp4") for name in written
    )
    assert {one.name for one in (tmp_path / "a").iterdir()} == {"b"}
    reader = read(page.as_uri(), own=page.parent.as_uri(), bypass_csp=True)
    for number, word in enumerate(HOSTILE):
        assert visible(word).strip() in str(reader.page.locator(".prompt").nth(number).text_content())
        assert visible(word).strip() in reader.page.locator(".alert").inner_text()
    assert reader.page.locator("video").count() == len(labels) * len(HOSTILE) + 2
    for width in (DESKTOP, PHONE):
        reader.looks(width)
        assert reader.complaints_of("sideways") == []
    assert reader.trouble() == []


def test_on_desk_or_phone_light_or_dark_it_can_be_read(read: Read, gallery: Path, pictures: Path) -> None:
    reader = opened(read, gallery)
    for scheme in SCHEMES:
        for width in (DESKTOP, PHONE, SMALL_PHONE):
            reader.looks(width, scheme)
            reader.picture(pictures / f"gallery-{scheme}-{width}.png")
            assert reader.complaints_of("sideways", "collisions", "faint") == [], (scheme, width)


LARGE = (1280, 720)
MOST_MEMORY = 400 * 1024 * 1024  # 320 were seen, with Chromium 156


def large_video(path: Path, shade: int) -> StoredMedia:
    """Five seconds as large as the service makes them."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=16)
        stream.width, stream.height, stream.pix_fmt = *LARGE, "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for number in range(80):
            picture = Image.new("RGB", LARGE, (number * 3, shade, 120))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types here
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return stored(path)


def test_twenty_by_twenty_take_little_memory_and_load_only_what_is_seen(
    browser: Browser, tmp_path: Path
) -> None:
    videos = [large_video(tmp_path / f"{number}.mp4", number * 40) for number in range(4)]
    made = Review("ft-1", "wan2.6-i2v", tuple(_column(number, videos) for number in range(20)))
    page = write_gallery(made, tmp_path / "page", tmp_path / "pictures")
    assert len(list((page.parent / "media").glob("*.mp4"))) == 4
    with reading(browser, page.as_uri(), own=page.parent.as_uri()) as reader:
        assert reader.page.locator("video").count() == 402
        loaded = "[...document.querySelectorAll('video')].filter(v => v.hasAttribute('src')).length"
        reader.until(f"{loaded} > 0")
        assert reader.page.evaluate(loaded) < 40
        for row in range(0, 20, 2):
            reader.page.locator(".row").nth(row).scroll_into_view_if_needed()
            reader.page.locator(".row").nth(row).locator(".toggle").click()
            reader.page.wait_for_timeout(150)
            assert reader.page.evaluate(loaded) < 40
        assert memory_of_pages(browser) < MOST_MEMORY


def _column(number: int, videos: list[StoredMedia]) -> Candidate:
    showings = tuple(Showing(f"Sample {row}.", videos[(row + number) % len(videos)]) for row in range(20))
    return Candidate(f"checkpoint-{number}", showings)


def memory_of_pages(browser: Browser) -> int:
    """Bytes of this machine's memory that the pages' processes have for themselves."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    total = 0
    for one in processes:
        if one["type"] != "renderer":
            continue
        for line in Path(f"/proc/{one['id']}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * 1024
    assert total > 10 * 1024 * 1024, "no process was found"
    return total
