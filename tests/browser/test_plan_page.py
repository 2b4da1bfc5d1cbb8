"""The page of a plan under a reader's hands, and what it makes of untrusted texts."""

from collections.abc import Callable

import pytest

from tests.browser.plans import BUSY, REFERENCES, large
from tests.browser.reading import DESKTOP, PHONE, SMALL_PHONE, Reader
from tests.render.hostile import HARMLESS, failure_of_texts, plan_of
from wanctl.plan import Action, Orphan, Plan
from wanctl.render.html.plan import plan_html
from wanctl.render.options import RenderOptions
from wanctl.render.visible import visible

Read = Callable[..., Reader]
HOSTILE = (
    "<script>ran.push('a script')</script>",
    '"><img src=x onerror="ran.push(\'an image\')">',
    "' onmouseover='ran.push(1)' x='",
    "</style><style>*{display:none}</style>",
    "</title></head><body onload=\"ran.push('a body')\">",
    "<svg onload=\"ran.push('a picture')\"><a href='https://evil.example/'>",
    "<form action='https://evil.example/'><button>Apply</button></form>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.txt\u2066",
    "\x00\x07\x1b[31m\u200b\ufeff",
    "👩‍👩‍👧‍👦😀",
    "שלום 12 عليكم",
    "x" * 10_000,
)


@pytest.mark.parametrize("trusting", [True, False], ids=["without the policy", "with it"])
def test_untrusted_texts_are_texts(trusting: bool, read: Read) -> None:
    """Nothing runs though the policy were not there; and where it is, it has nothing to refuse."""
    reader = read(plan_html(plan_of(HARMLESS)), bypass_csp=trusting)
    harmless = reader.page.locator("*:not(.diff *)").count()
    for word in HOSTILE:
        reader.show(plan_html(plan_of((word,))))
        reader.unfold()
        assert reader.page.locator("*:not(.diff *)").count() == harmless, word
        assert visible(word) in reader.page.locator("tbody").inner_text(), word
        assert reader.trouble() == [], word
        assert reader.measure("doors") == [], word


def test_however_long_or_odd_they_are_the_page_stays_whole(read: Read) -> None:
    reader = read(plan_html(plan_of(HOSTILE)))
    for word in ((*HOSTILE[:-1],), HOSTILE[-1:], HOSTILE[-2:-1]):
        for made in (plan_of(word), failure_of_texts(word)):
            reader.show(plan_html(made))
            reader.unfold()
            for width in (DESKTOP, SMALL_PHONE):
                reader.looks(width)
                assert reader.complaints_of("sideways", "faint") == [], word[0][:20]


def test_what_runs_from_right_to_left_takes_no_number_along(read: Read) -> None:
    """Else the note of an orphan stands before its name, or a price beside another line."""
    orphan = Orphan("FineTune", "אבג", "12 USD")
    reader = read(plan_html(Plan("p", None, "sandbox", BUSY.steps, (), (orphan,))))
    reader.unfold()
    line = reader.page.locator("details li", has_text="אבג")
    name, note = line.locator("code").bounding_box(), line.locator(".soft").bounding_box()
    assert name
    assert note
    assert name["x"] + name["width"] <= note["x"]


def test_details_open_by_click_and_by_keys(read: Read) -> None:
    reader = read(plan_html(BUSY, RenderOptions(REFERENCES)))
    details = reader.page.locator("details", has_text="FineTune/petals").first
    text = details.get_by_text("hyper_parameters.n_epochs: 200")
    assert not text.is_visible()
    details.locator("summary").click()
    assert text.is_visible()
    details.locator("summary").click()
    assert not text.is_visible()
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Shift+Tab")
    details.locator("summary").focus()
    outline = details.locator("summary").evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    for key, seen in (("Enter", True), ("Enter", False), ("Space", True)):
        reader.page.keyboard.press(key)
        assert text.is_visible() is seen, key


def test_every_part_that_opens_is_reached_by_the_tab_key_in_the_order_of_the_page(read: Read) -> None:
    reader = read(plan_html(BUSY, RenderOptions(REFERENCES)))
    reached = []
    for _ in range(60):
        reader.page.keyboard.press("Tab")
        reached.append(reader.page.evaluate("document.activeElement.closest('summary')?.textContent"))
    found = [text for text in reached if text]
    assert found[: len(set(found))] == reader.page.locator("summary").all_text_contents()


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_deletions_and_money_are_the_first_that_is_seen(width: int, read: Read) -> None:
    """On the first screen, in their colours, before any step."""
    reader = read(plan_html(BUSY, RenderOptions(REFERENCES)))
    reader.looks(width)
    headings = reader.page.locator("h1, h2")
    assert headings.all_text_contents()[:4] == [
        "2 live objects will be deleted; 2 trainings will be billed: about 111–132 USD and 1 of unknown cost",
        "2 live objects will be deleted. This cannot be undone.",
        "2 trainings will be started and billed: about 111–132 USD and 1 of unknown cost.",
        "A person has to act",
    ]
    money = headings.nth(2).bounding_box()
    assert money
    assert money["y"] + money["height"] < reader.page.evaluate("innerHeight")
    deletion, plain = (
        reader.page.locator(what).first.evaluate("one => getComputedStyle(one).color")
        for what in (".alert.caution h2", "body")
    )
    assert deletion != plain
    assert reader.page.locator("details[open]").count() == sum(
        step.action in {Action.DELETE, Action.REPLACE} for step in BUSY.steps
    )


def test_a_large_plan_can_be_read(read: Read) -> None:
    plan, references = large(75)
    html = plan_html(plan, RenderOptions(references))
    assert len(html) < 1_000_000
    reader = read(html)
    assert reader.page.locator("tbody tr").count() == 300
    steps = reader.page.locator("#steps").bounding_box()
    assert steps
    assert steps["y"] < 1500  # what is said of 75 trainings does not push the steps away
    last = reader.page.locator("details summary", has_text="Deployment/effect-074")
    last.click()
    assert last.locator("..").get_by_text("capacity: 1").is_visible()
    reader.looks(SMALL_PHONE)
    assert reader.measure("sideways") == []
    assert reader.trouble() == []
