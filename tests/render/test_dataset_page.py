"""The page of a dataset: everything on it, nothing from elsewhere, and no caption that becomes markup."""

from html.parser import HTMLParser
from pathlib import Path

from tests.dataset.making import annotations, folder, good, packed, sample
from wanctl.address import Address
from wanctl.dataset.checks import check_dataset
from wanctl.dataset.reading import read_dataset
from wanctl.language.inspection import inspection
from wanctl.language.load import load_project
from wanctl.render.html.dataset import dataset_page

HOSTILE = '</p><script>alert(1)</script><img src=x onerror=y>" \u202e [x](javascript:y)'


class Elements(HTMLParser):
    """Every element with its attributes, and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page_of(place: Path, members: dict[str, bytes], *, as_zip: bool = False) -> Elements:
    source = packed(place / "data.zip", members) if as_zip else folder(place / "data", members)
    (place / "wanctl.yaml").write_text("version: 1\nproject: p\n", encoding="utf-8")
    document = f"kind: Dataset\nname: train\nsource: {source.name}\n"
    (place / "a.yaml").write_text(document, encoding="utf-8")
    facts = read_dataset(source)
    found = inspection(
        load_project(place), Address.dataset("train"), source, source.name, facts, check_dataset(facts)
    )
    return Elements(dataset_page(found, place / "pages"))


def test_frames_are_in_the_page_and_clips_beside_it(tmp_path: Path) -> None:
    page = page_of(tmp_path, good(3))
    assert [one["src"] for one in page.named("video")] == [
        f"../data/clip_{number}.mp4" for number in (1, 2, 3)
    ]
    frames = [one["src"] or "" for one in page.named("img")]
    assert len(frames) == 3
    assert all(source.startswith("data:image/jpeg;base64,") for source in frames)
    assert "Scene 2. Then the s86b5p effect begins." in page.text


def test_of_a_zip_the_clips_are_only_told(tmp_path: Path) -> None:
    page = page_of(tmp_path, good(2), as_zip=True)
    assert (page.named("video"), len(page.named("img"))) == ([], 2)
    assert "MP4, 64×36 (16:9), 2.0 s" in page.text


def test_nothing_is_loaded_and_no_text_is_markup(tmp_path: Path) -> None:
    lines = annotations(sample(1, prompt=HOSTILE), sample(2, prompt=""), sample(3, video_path=HOSTILE))
    page = page_of(tmp_path, good(3) | {"data.jsonl": lines, "clip_2.mp4": b"?"})
    assert page.named("script") == [{}], "its own, which the policy names by its digest"
    assert len(page.named("img")) == 3
    assert all(not key.startswith("on") for _, attributes in page.found for key in attributes)
    (policy,) = [one["content"] for one in page.named("meta") if "http-equiv" in one]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text
    assert "has an empty prompt" in page.text
