"""A page in a real browser: what it asks for, what it complains of, and what a reader sees of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, Route

MEASURES = (Path(__file__).parent / "measures.js").read_text(encoding="utf-8").partition("\n")[2]
DESKTOP, TABLET, PHONE, SMALL_PHONE = 1280, 768, 375, 320
PAPER = 700  # A4 between its margins
TALLEST_PICTURE = 6000
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

# Runs before anything of the page does.
_LISTENING = """
window.ran = [];
window.refused = [];
addEventListener("securitypolicyviolation", (event) =>
  refused.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Reader:
    """One window on one page. Whatever the page asks for is noted; what is not its own gets no answer."""

    page: Page
    own: str  # how the addresses begin that the page may ask for
    asked: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.add_init_script(_LISTENING)
        self.page.route("**/*", self._answer)
        self.page.on("request", lambda request: self._ask(request.url))
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _ask(self, address: str) -> None:
        self.asked.append(address)
        if not address.startswith((self.own, "data:")):
            self.strays.append(address)

    def _answer(self, route: Route) -> None:
        if route.request.url.startswith(self.own):
            route.continue_()
        else:
            route.abort()

    def measure(self, what: str) -> list[str]:
        """One of the measures of `measures.js`."""
        found: list[str] = self.page.evaluate(f"{MEASURES}.{what}()")
        return found

    def show(self, text: str) -> None:
        """Another text in the place of the file that was opened."""
        Path(unquote(urlsplit(self.page.url).path)).write_text(text, encoding="utf-8")
        self.page.reload()

    def complaints_of(self, *measures: str) -> list[str]:
        return [f"{what}: {one}" for what in measures for one in self.measure(what)]

    def until(self, condition: str) -> None:
        """Wait for something in the page; its policy forbids the waiting that Playwright does inside it."""
        for _ in range(500):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never: {condition}")

    def looks(self, width: int, scheme: Scheme = "light") -> None:
        """Another width, another scheme, on a screen: the same page."""
        self.page.set_viewport_size({"width": width, "height": 900 if width == DESKTOP else 720})
        self.page.emulate_media(media="screen", color_scheme=scheme)

    def unfold(self) -> None:
        """Open whatever is folded."""
        self.page.evaluate(
            "document.querySelectorAll('details:not([open])').forEach((one) => {"
            " one.open = true; one.classList.add('unfolded'); })"
        )

    def fold(self) -> None:
        """Close what was unfolded."""
        self.page.evaluate(
            "document.querySelectorAll('.unfolded').forEach((one) => {"
            " one.open = false; one.classList.remove('unfolded'); })"
        )

    def picture(self, path: Path) -> None:
        """The page as it looks, but for the end of a very long one."""
        width, height = self.page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        shown: FloatRect = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST_PICTURE)}
        self.page.screenshot(path=path, full_page=True, clip=shown)

    def trouble(self) -> list[str]:
        """What the page tried and should not have: none of it shows."""
        ran = self.page.evaluate("[...ran, ...refused]")
        return [*self.strays, *self.complaints, *ran]


@contextmanager
def reading(browser: Browser, address: str, own: str | None = None, **more: Any) -> Iterator[Reader]:
    """Open the address; `own` is the beginning of what it may ask for, by default itself alone."""
    more = {"viewport": {"width": DESKTOP, "height": 900}, **more}
    context: BrowserContext = browser.new_context(**more)
    context.set_default_timeout(60_000)  # a busy machine is no fault of the page
    try:
        reader = Reader(context.new_page(), own or address)
        reader.listen()
        reader.page.goto(address)
        yield reader
    finally:
        context.close()
