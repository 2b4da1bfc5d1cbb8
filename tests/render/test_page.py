"""The HTML of plans: one page that loads nothing, and in which nobody else writes a tag."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from hypothesis import given

from tests.render.hostile import HARMLESS, failure_of_texts, offline_of, plan_of, texts
from tests.render.reading import Page, check_page
from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.finding import Finding, Severity
from wanctl.plan import Action, Plan, Progress, Step, When
from wanctl.render.html.plan import plan_html
from wanctl.render.options import RenderOptions
from wanctl.rules import Rule


def classes(page: Page) -> set[str | None]:
    return {value for name, value in page.attributes if name == "class"}


def shape(page: Page) -> list[str]:
    """The tags but those of diffs, which have as many lines as the texts that they compare."""
    return [tag for tag in page.tags if tag != "div"]


@given(texts)
def test_an_untrusted_plan_has_the_structure_of_a_harmless_one(words: list[str]) -> None:
    page, harmless = (check_page(plan_html(plan_of(one))) for one in (words, HARMLESS))
    assert shape(page) == shape(harmless)
    assert classes(page) <= classes(harmless) | {"same", "head", "del"}


@given(texts)
def test_so_has_a_failure(words: list[str]) -> None:
    page, harmless = (check_page(plan_html(failure_of_texts(one))) for one in (words, HARMLESS))
    assert page.tags == harmless.tags


@given(texts)
def test_so_has_what_the_specs_alone_tell(words: list[str]) -> None:
    page, harmless = (check_page(plan_html(offline_of(one))) for one in (words, HARMLESS))
    assert shape(page) == shape(harmless)


def test_the_page_loads_nothing_and_its_style_is_the_one_that_it_allows() -> None:
    html = plan_html(plan_of(HARMLESS), RenderOptions(apply=("wanctl apply plan.json",)))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy[1].replace("&#43;", "+")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import|<script|<link", html)
    assert "wanctl apply plan.json" in html


def test_every_folded_block_and_scrolling_region_can_be_reached_by_keyboard() -> None:
    html = plan_html(plan_of(HARMLESS))
    assert html.count("<details") == html.count("<summary>") == html.count("</details>")
    for region in re.findall(r'<(?:pre|div)[^>]*(?:role="region"|class="hints")[^>]*>', html):
        assert 'tabindex="0"' in region
        assert "aria-label=" in region


def test_a_converged_plan_is_one_sentence_and_what_there_is() -> None:
    plan = Plan("p", None, "sandbox", (Step(Address.dataset("d"), Action.NOTHING, When.DONE, "uploaded"),))
    html = plan_html(plan)
    assert "<h1>No changes; 1 resource is as the specs say</h1>" in html
    assert html.count("<table") == 1
    assert "Next" not in html


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(scheme: int) -> None:
    palette = re.findall(r":root \{([^}]*)\}", plan_html(plan_of(HARMLESS)))[scheme]
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", palette))
    texts_ = ("ink", "soft", "blue", "green", "red", "yellow", "violet")
    pairs = [(text, ground) for text in texts_ for ground in ("paper", "panel")]
    for text, ground in [*pairs, ("ink", "add"), ("ink", "del"), ("ink", "head")]:
        dark, light = sorted(luminance(colours[name]) for name in (text, ground))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_a_large_plan_shows_its_steps_before_hundreds_of_warnings() -> None:
    """On a phone a list of a hundred is a wall: the first stand open, the others are a touch away."""
    steps = tuple(
        Step(Address.deployment(f"d{n}"), Action.DELETE, When.NOW, "in no spec", remote_id=f"model-{n}")
        for n in range(60)
    )
    findings = tuple(Finding(Severity.WARNING, f"warning number {n}.", rule=Rule.FAILED) for n in range(200))
    html = plan_html(Plan("p", None, "sandbox", steps, findings))
    assert html.index('<h2 id="steps">') < html.index("<h2>Findings</h2>") < html.index("<h2>Details</h2>")
    assert html.count("<details open>") == 0
    assert html.index("warning number 9.") < html.index("<summary>and 190 more</summary>")
    assert html.index("<summary>and 190 more</summary>") < html.index("warning number 10.")
    few = plan_html(Plan("p", None, "sandbox", steps[:10], findings[:10]))
    assert few.count("<details open>") == 10
    assert "more</summary>" not in few


def test_what_stops_a_plan_stands_before_everything_else() -> None:
    step = Step(Address.deployment("d"), Action.DELETE, When.NOW, "in no spec", remote_id="model-1")
    html = plan_html(
        Plan("p", None, "sandbox", (step,), (Finding(Severity.ERROR, "a limit.", rule=Rule.FAILED),))
    )
    assert html.index("a limit.") < html.index('class="alert caution"') < html.index('<h2 id="steps">')


DEPLOYMENT = Address.parse("Deployment/rain")
TRAINING, CHOICE = Address.parse("FineTune/rain"), Address.parse("Checkpoint/best")
BILL = Cost((100, 200), None, "USD", "", 1_411_200, Decimal("112.896"))
HAVE = (
    Step(
        TRAINING, Action.NOTHING, When.DONE, "trained", remote_id="ft-1", cost=BILL, took=timedelta(hours=3.2)
    ),
    Step(CHOICE, Action.NOTHING, When.DONE, "exported", remote_id="wan-c160", summary="checkpoint-160"),
    Step(DEPLOYMENT, Action.NOTHING, When.DONE, "serving", remote_id="wan-live", summary="lora × 1"),
)
LINKS = RenderOptions(
    {CHOICE: (TRAINING,), DEPLOYMENT: (CHOICE,)},
    texts={DEPLOYMENT: {"prompt": "Describe <the> picture."}},
    galleries={TRAINING: "gallery/rain/index.html"},
)


def test_a_converged_page_shows_names_what_is_chosen_prompts_and_cost() -> None:
    html = plan_html(Plan("rain", None, "sandbox", HAVE), LINKS)
    assert Page(html).open == []
    said = " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())
    for word in ("ft-1", "trained in 3 h 12 min", "billed 112.90 USD", "checkpoint-160", "wan-live"):
        assert word in said, word
    assert "Describe <the> picture." in said


def test_who_has_to_choose_is_led_to_the_previews() -> None:
    """And who looks at the training or at what is chosen; nobody else, and nobody where there are none."""
    choose = replace(HAVE[1], action=Action.CHOOSE, when=When.PERSON, reason="none chosen yet")
    for steps, links in ((HAVE, 2), ((HAVE[0], choose, HAVE[2]), 2), (HAVE[2:], 0)):
        html = plan_html(Plan("rain", None, "sandbox", steps), LINKS)
        assert html.count('href="gallery/rain/index.html"') == links
        assert "href=" not in plan_html(Plan("rain", None, "sandbox", steps))
    later = replace(choose, after=(TRAINING,))
    assert "href=" not in plan_html(Plan("rain", None, "sandbox", (later,)), LINKS)


def test_what_waits_for_the_service_has_a_bar_and_its_times() -> None:
    progress = Progress("RUNNING", 0.4, "", None, timedelta(hours=2), timedelta(minutes=174))
    step = Step(TRAINING, Action.TRAIN, When.SERVICE, "ft-1 is training", progress=progress)
    html = plan_html(Plan("rain", None, "sandbox", (step,)))
    assert '<progress max="1" value="0.4" aria-label="FineTune/rain">' in html
    assert html.count("2 h so far, about 2 h 54 min left") == 2  # in the table and in the details
