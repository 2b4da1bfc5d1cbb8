"""One Chromium for the tests of a worker, and the folder in which the pictures are kept."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright

from tests.browser.examples import write_example
from tests.browser.reading import Reader, reading

WHICH = "WANCTL_TEST_BROWSER"
ALONE = [  # it asks nobody but this machine, and runs as root, too, as in CI
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FOLDER = Path(__file__).parent
PICTURES = FOLDER.parents[1] / ".artifacts" / "browser"


@pytest.hookimpl(tryfirst=True)  # before it is asked which are long
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that opens a page takes long: the browser waits for what is drawn."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.long)


def chromium() -> str | None:
    """The machine's Chromium; none is downloaded. Who names one in the environment wants it to be there."""
    names = (os.environ[WHICH],) if WHICH in os.environ else ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Of the package, not of the session: while it is open, its event loop runs, and asyncio.run cannot."""
    found = chromium()
    if found is None and WHICH in os.environ:
        pytest.fail(f"{WHICH} names {os.environ[WHICH]}, which is not there")
    if found is None:
        pytest.skip(f"needs Chromium: apt install chromium, or name one in {WHICH}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=ALONE)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder with what the commands made of the project in `specs/`, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "example"
    with FileLock(f"{folder}.lock"):
        return folder if folder.exists() else write_example(folder)


@pytest.fixture
def read(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    """Open an address, or a text as a file of its own; closed with the test."""
    with ExitStack() as open_ones:

        def opened(page: str, **more: Any) -> Reader:
            if not page.startswith(("http://", "file://")):
                file = tmp_path / f"page.{'svg' if page.startswith('<svg') else 'html'}"
                file.write_text(page, encoding="utf-8")
                page = file.as_uri()
            return open_ones.enter_context(reading(browser, page, **more))

        yield opened


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Kept for whoever wants to look; nothing compares them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES
