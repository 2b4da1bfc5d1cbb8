"""What holds for every page that wanctl writes, in a real browser: quiet, legible, whole at every width."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.examples import LINKED, PAGES, TEXTS
from tests.browser.reading import DESKTOP, PAPER, PHONE, SCHEMES, SMALL_PHONE, TABLET, Reader, Scheme, reading


@pytest.fixture(scope="module", params=PAGES)
def reader(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """Each page once, for all the tests; they leave nothing but their own look behind."""
    name: str = request.param
    if name in TEXTS:
        folder = tmp_path_factory.mktemp("page")
        (folder / f"{name}.html").write_text(TEXTS[name](), encoding="utf-8")
    else:
        folder = request.getfixturevalue("example")
    with reading(browser, (folder / f"{name}.html").as_uri()) as opened:
        yield opened


@pytest.fixture(autouse=True)
def as_it_opens(reader: Reader) -> None:
    reader.fold()
    reader.looks(DESKTOP)


def test_it_asks_for_nothing_and_the_browser_has_nothing_to_complain_of(reader: Reader) -> None:
    reader.unfold()
    assert reader.trouble() == []
    assert [one for one in reader.asked if not one.startswith("data:")] == [reader.page.url]
    own = {"example-dataset", "example-prepared"}  # their clips play by a script of their own
    name, doors = Path(reader.page.url).stem, reader.measure("doors")
    assert name in own or all(name in LINKED and one.startswith("<a ") for one in doors)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_on_desk_or_phone_everything_can_be_read(reader: Reader, scheme: Scheme, pictures: Path) -> None:
    for width in (DESKTOP, TABLET, PHONE, SMALL_PHONE):
        reader.looks(width, scheme)
        if width in (DESKTOP, PHONE):
            reader.picture(pictures / f"{Path(reader.page.url).stem}-{scheme}-{width}.png")
        assert reader.complaints_of("sideways", "collisions", "faint") == [], width
    reader.unfold()
    for width in (DESKTOP, SMALL_PHONE):
        reader.looks(width, scheme)
        assert reader.complaints_of("sideways", "collisions", "faint") == [], ("unfolded", width)


def test_light_and_dark_are_two_looks(reader: Reader) -> None:
    found = []
    for scheme in SCHEMES:
        reader.looks(DESKTOP, scheme)
        found += reader.measure("colours")
    assert len(set(found)) == 4


def test_who_hears_it_or_steers_it_by_keys_misses_nothing(reader: Reader) -> None:
    reader.unfold()
    for width in (DESKTOP, PHONE):
        reader.looks(width)
        assert reader.measure("unheard") == []


def test_on_paper_nothing_is_folded_or_cut(reader: Reader) -> None:
    reader.looks(PAPER, "dark")
    reader.page.emulate_media(media="print")
    assert reader.complaints_of("sideways", "collisions", "faint", "unprinted") == []
    assert reader.measure("colours") == ["rgb(255, 255, 255)", "rgb(31, 35, 40)"]


def test_a_phone_shows_it_at_its_own_width(reader: Reader, browser: Browser) -> None:
    """A page that does not say how wide it wants to be is laid out for a large screen, and shrunk."""
    with reading(browser, reader.page.url, is_mobile=True, viewport={"width": PHONE, "height": 720}) as phone:
        assert phone.page.evaluate("[innerWidth, Math.round(visualViewport.width)]") == [PHONE, PHONE]
