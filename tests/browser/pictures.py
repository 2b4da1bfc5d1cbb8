"""Makes docs/images/choosing-*.webp: the gallery of examples/choosing in Chromium, as its README.md shows it.

Run it after a change of the page, from the repository's root: python -m tests.browser.pictures
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ALONE, chromium
from tests.browser.reading import Scheme
from tests.scenarios.playing import quiet_surroundings

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
DESKTOP, PHONE = (1280, 860), (390, 844)
LARGEST = 120_000  # bytes of a picture
QUALITIES = (86, 76, 66, 56)
SETTLED = 900  # milliseconds, until what is seen is loaded and drawn


def main() -> None:
    path = chromium()
    if path is None:
        sys.exit("needs Chromium: apt install chromium, or name one in WANCTL_TEST_BROWSER")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        specs = trained(Path(folder))
        browser = playwright.chromium.launch(executable_path=path, args=ALONE)
        with served(specs) as address:
            take_all(browser, address)
        browser.close()


def trained(folder: Path) -> Path:
    """A copy of the example with its data, trained and judged in the sandbox."""
    unkept = shutil.ignore_patterns(".wanctl")
    for name in ("data", "choosing"):
        shutil.copytree(ROOT / "examples" / name, folder / "examples" / name, ignore=unkept)
    (folder / ".git").mkdir()
    specs = folder / "examples" / "choosing"
    for words in (("apply", "--yes", "--wait"), ("review", "rain", "--judge", "--yes")):
        subprocess.run(wanctl(specs, *words), **here(specs), check=True, capture_output=True)
    return specs


def here(specs: Path) -> dict[str, Any]:
    """As a person runs it, in the copy."""
    return {"cwd": specs.parents[1], "env": {**quiet_surroundings(), "PYTHONPATH": str(ROOT)}}


def wanctl(specs: Path, command: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "wanctl", command, "-C", str(specs.relative_to(specs.parents[1])), *words]


@contextmanager
def served(specs: Path) -> Iterator[str]:
    """The gallery's address while wanctl shows it."""
    command = wanctl(specs, "review", "rain", "--serve", "--judge")
    with subprocess.Popen(
        command, **here(specs), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = process.stderr or ()
            yield next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\S+/", line)))
        finally:
            process.terminate()


def take_all(browser: Browser, address: str) -> None:
    with opened(browser, address, DESKTOP, "dark") as page:
        play_to(page, 2.0)
        keep(page, "dark")
    with opened(browser, address, PHONE, "light") as page:
        play_to(page, 2.0)
        page.locator(".row").first.evaluate("one => one.scrollIntoView()")
        keep(page, "phone")
    with opened(browser, address, DESKTOP, "light") as page:
        play_to(page, 2.0)
        keep(page, "grid")
        page.check("#strips")
        page.check("#heats")
        page.locator(".row .judged").nth(2).evaluate("one => { one.open = true; }")
        page.evaluate("scrollTo(0, document.querySelector('.row').offsetTop - 60)")
        keep(page, "differences")
        page.uncheck("#strips")
        page.uncheck("#heats")
        page.locator(".row").first.locator(".compare").nth(5).click()
        page.select_option("#left", "0")
        page.wait_for_timeout(SETTLED)
        page.locator("#where").fill("700")
        keep(page, "wipe")
        page.keyboard.press("Escape")
        chosen = page.locator(".candidate").nth(4)
        chosen.locator(".note").fill("The whole rain, and the face is kept.")
        chosen.locator(".choose").first.click()
        page.locator("#chosen:not([hidden])").wait_for()
        keep(page, "chosen")


@contextmanager
def opened(browser: Browser, address: str, size: tuple[int, int], scheme: Scheme) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.goto(address)
    page.wait_for_timeout(SETTLED)
    yield page
    page.close()


def play_to(page: Page, seconds: float) -> None:
    """What is seen, at that second, and the page at its top."""
    for scrub in page.locator(".scrub").all():
        scrub.fill(str(round(1000 * seconds / 3)))
        page.wait_for_timeout(SETTLED // 3)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def keep(page: Page, name: str) -> None:
    """As a WebP that is small enough."""
    page.wait_for_timeout(SETTLED)
    picture = Image.open(BytesIO(page.screenshot()))
    for quality in QUALITIES:
        out = BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= LARGEST:
            break
    (IMAGES / f"choosing-{name}.webp").write_bytes(out.getvalue())


if __name__ == "__main__":
    main()
