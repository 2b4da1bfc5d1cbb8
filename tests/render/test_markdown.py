"""The Markdown of plans: it stays what it is whatever stands in a spec, and it fits into a comment."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings

from tests.examples import examples
from tests.render.hostile import HARMLESS, failure_of_texts, offline_of, plan_of, texts
from tests.render.reading import PARSER, blocks, check_markdown, inline
from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.finding import Finding, Severity
from wanctl.plan import Action, Change, FieldClass, Orphan, Plan, Step, When
from wanctl.render.diffs import step_diff
from wanctl.render.made import PlanFailure
from wanctl.render.markdown.markup import code, fence, link_target, prose
from wanctl.render.markdown.plan import LIMIT, plan_markdown
from wanctl.render.options import RenderOptions, marker_of
from wanctl.rules import Rule


@given(texts)
def test_an_untrusted_plan_has_the_structure_of_a_harmless_one(words: list[str]) -> None:
    markdown = plan_markdown(plan_of(words))
    check_markdown(markdown)
    assert blocks(markdown) == blocks(plan_markdown(plan_of(HARMLESS)))


@given(texts)
def test_so_has_a_failure(words: list[str]) -> None:
    markdown = plan_markdown(failure_of_texts(words))
    check_markdown(markdown)
    assert blocks(markdown) == blocks(plan_markdown(failure_of_texts(HARMLESS)))


@given(texts)
def test_so_has_what_the_specs_alone_tell(words: list[str]) -> None:
    markdown = plan_markdown(offline_of(words))
    check_markdown(markdown)
    assert blocks(markdown) == blocks(plan_markdown(offline_of(HARMLESS)))


def test_specs_of_thousands_of_documents_fit_into_a_comment() -> None:
    some = offline_of(["x" * 300])
    first = replace(some.first, steps=some.first.steps * 300)
    recorded = {Address.dataset(f"d{number}"): "y" * 50 for number in range(2_000)}
    markdown = plan_markdown(replace(some, first=first, found=some.found * 900, recorded=recorded))
    assert len(markdown) <= LIMIT
    assert "Not known offline" in markdown


@given(texts)
def test_the_marker_is_found_again_on_the_last_line(words: list[str]) -> None:
    marker = marker_of(words[0], words[-1])
    assert re.fullmatch(r"<!-- wanctl plan: [\w.~%-]+/[\w.~%-]+ -->", marker, re.ASCII)
    assert "--" not in marker.removeprefix("<!--").removesuffix("-->")
    assert plan_markdown(plan_of(words), RenderOptions(marker=marker)).splitlines()[-1] == marker


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("not trained yet", "not trained yet"),
        ("wan2.6-i2v, 400 epochs × 20 = 8,000 steps", "`wan2.6-i2v`, 400 epochs × 20 = 8,000 steps"),
        ("ping @octocat about #12", "ping `@octocat` about `#12`"),
        ("see https://evil.example now", "see `https://evil.example` now"),
        ("<b> and `ticks` and a|b", "`<b>` and `` `ticks` `` and `a|b`"),
        ("it is defaced, cafe", "it is `defaced`, cafe"),
    ],
)
def test_words_stay_prose_and_the_rest_is_code(text: str, markdown: str) -> None:
    assert prose(text) == markdown


def test_code_has_a_fence_longer_than_what_is_in_it() -> None:
    assert code("a``b`") == "``` a``b` ```"
    assert fence(["````", "x"], "diff").splitlines()[0] == "`````diff"


def test_only_web_addresses_are_links() -> None:
    assert link_target("https://ci.example/run?id=1&x=(2)") == "https://ci.example/run?id=1&x=(2)"
    assert link_target("https://ci.example/>\n<b>") == "https://ci.example/%3E%0A%3Cb%3E"
    with pytest.raises(ValueError, match="no link"):
        link_target("javascript:alert(1)")


def changed(before: object, after: object) -> list[str]:
    change = Change("prompt", before, after, FieldClass.WRITE_ONLY)
    step = Step(Address.deployment("d"), Action.REPLACE, When.NOW, changes=(change,))
    return [f"{line.sign} {line.text}" for line in step_diff(step)]


def test_a_field_never_stands_below_the_heading_of_a_text() -> None:
    """There it would look like one more line of the text, and a line of the text like a field."""
    text = Change("prompt", None, "It rains.\ncapacity: 9  # updatable", FieldClass.WRITE_ONLY)
    capacity = Change("capacity", None, 1, FieldClass.UPDATABLE)
    deployed = Step(Address.deployment("d"), Action.DEPLOY, When.NOW, changes=(text, capacity))
    assert [(line.sign, line.text) for line in step_diff(deployed)] == [
        ("+", "capacity: 1  # updatable"),
        ("@", "prompt (34 characters, write only)"),
        ("+", "It rains."),
        ("+", "capacity: 9  # updatable"),
    ]


RAIN = "It begins to rain, slowly at first. " * 6


def test_a_changed_word_in_a_long_line_shows_its_sentence() -> None:
    lines = changed(RAIN, RAIN.replace("slowly", "fast", 1))
    assert [line for line in lines if line[0] in "-+"] == [
        "- It begins to rain, slowly at first.",
        "+ It begins to rain, fast at first.",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (RAIN, RAIN.replace(". It", ".\nIt", 1)),  # only a line end
        (RAIN, RAIN.replace(". It", ".  It", 1)),  # only a space
        (RAIN, RAIN + " "),
        (RAIN, RAIN.replace("rain", "ra\u200bin", 1)),  # only what cannot be seen
        (RAIN, RAIN.replace("rain", "ra\u200cin", 1)),
        (RAIN + "\n", RAIN),
        ("a", "a "),
        (1, 1.0),
        ("1", 1),
        (None, ""),
    ],
)
def test_every_difference_is_seen(before: object, after: object) -> None:
    lines = changed(before, after)
    assert [line[1:] for line in lines if line[0] == "-"] != [line[1:] for line in lines if line[0] == "+"]


def step(number: int, text: str = "text ", size: int = 20) -> Step:
    change = Change("aigc_config.prompt", text * size, (text + "new ") * size, FieldClass.WRITE_ONLY)
    return Step(
        Address.deployment(f"d{number}"),
        Action.REPLACE,
        When.NOW,
        "the aigc_config changed " * 10,
        changes=(change,),
        remote_id=f"model-{number}",
        warning="out of service",
        hints=("a hint " * 20,) * 5,
    )


def many_findings() -> tuple[Finding, ...]:
    return tuple(
        Finding(Severity.WARNING, f"finding {n} " * 30, hint="do it " * 50, rule=Rule.FAILED)
        for n in range(2_000)
    )


def sandbox_plan(*steps: Step, project: str = "p", environment: str = "e") -> Plan:
    return Plan(project, environment, "sandbox", steps)


def settled(number: int) -> Step:
    return Step(Address.dataset(f"d{number}"), Action.NOTHING, When.DONE, "uploaded")


HUGE: dict[str, Callable[[], Plan | PlanFailure]] = {  # made by the test: every process collects it
    "steps": lambda: sandbox_plan(*(step(n) for n in range(1_500))),
    "some steps": lambda: sandbox_plan(*(step(n, size=500) for n in range(20))),
    "one prompt": lambda: sandbox_plan(step(0, size=40_000)),
    "one line": lambda: sandbox_plan(step(0, "word", size=40_000)),
    "ticks": lambda: sandbox_plan(
        *(step(n, "`" * 900) for n in range(40)), project="p" * 9_000, environment="`" * 9_000
    ),
    "hidden": lambda: sandbox_plan(*(step(n, "\u200b" * 900) for n in range(40))),
    "findings": lambda: replace(sandbox_plan(step(0)), findings=many_findings()),
    "orphans": lambda: replace(
        sandbox_plan(step(0)), orphans=(Orphan("FineTune", "ft-1", "RUNNING"),) * 3_000
    ),
    "failure": lambda: PlanFailure("p", "e", many_findings()),
    "settled": lambda: sandbox_plan(*map(settled, range(9_000))),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_plan_fits_and_says_what_is_left_out(name: str) -> None:
    markdown = plan_markdown(HUGE[name](), RenderOptions(link="https://ci.example/run/1"))
    assert len(markdown) <= LIMIT
    lines = markdown.splitlines()
    assert lines[0].startswith("### ")
    assert lines[-1].startswith("<!-- wanctl plan: ")
    assert markdown.count("<details>") == markdown.count("</details>")
    assert re.search(r"left out|more …", markdown)
    targets = {token.attrs["href"] for token in inline(markdown) if token.type == "link_open"}
    assert targets <= {"https://ci.example/run/1"}
    if name in {"steps", "some steps", "findings", "failure"}:
        assert targets
    fences = [token for token in PARSER.parse(markdown) if token.type == "fence"]
    assert all(token.info in {"diff", "text", "mermaid", "sh"} for token in fences)


@settings(max_examples=examples(8))
@given(texts)
@example(["/x"])
def test_an_untrusted_plan_that_has_to_be_cut_keeps_its_structure(words: list[str]) -> None:
    """Folds and fences are closed, wherever the cut falls, and what must be read stands."""
    some = plan_of([word * (1 + 600 // len(word)) for word in words])
    plan = replace(some, steps=some.steps * 3, findings=some.findings * 20, orphans=some.orphans * 20)
    markdown = plan_markdown(plan, RenderOptions(link="https://ci.example/run/1"))
    assert len(markdown) <= LIMIT
    assert re.search(r"left out|more …", markdown)
    tokens = PARSER.parse(markdown)
    ours = "".join(token.content for token in tokens if token.type == "html_block")
    folds = re.findall("</?details>", ours)
    assert folds == ["<details>", "</details>"] * (len(folds) // 2)
    assert tokens[-1].content.startswith("<!-- wanctl plan: ")
    assert [token.content for token in inline(markdown) if token.content == plan.digest]
    alerts = markdown.partition("| Step | Resource")[0]
    assert "will be deleted" in alerts
    assert "will be started and billed" in alerts
    assert not re.search(r"^\s*/", markdown, re.MULTILINE), "GitLab would obey it as a quick action"


def test_money_and_deletions_come_before_everything_else() -> None:
    markdown = plan_markdown(plan_of(HARMLESS))
    deletion, money, table = (
        markdown.index(text) for text in ("> [!CAUTION]", "> [!WARNING]", "| Step | Resource")
    )
    assert markdown.index("###") == 0 < deletion < money < table


def test_every_deletion_is_named_however_many_there_are() -> None:
    markdown = plan_markdown(Plan("p", "e", "sandbox", tuple(step(n) for n in range(60))))
    alert = markdown[: markdown.index("| Step | Resource")]
    assert all(f"`model-{number}`" in alert for number in range(60))
    assert all(f"`Deployment/d{number}`" in alert for number in range(60))
    check_markdown(markdown)


def test_what_goes_for_good_is_named_before_what_comes_back() -> None:
    """A replacement serves again; of 300 chains the deletions must not be what is cut."""
    gone = tuple(
        Step(
            Address.deployment(f"gone{n}"), Action.DELETE, When.NOW, "in no spec", remote_id=f"old-model-{n}"
        )
        for n in range(150)
    )
    back = tuple(
        replace(
            step(n), remote_id=f"wan2.6-i2v-ft-202611212006-{n:04}-c400", address=Address.deployment(f"d{n}")
        )
        for n in range(150)
    )
    markdown = plan_markdown(Plan("p", "e", "sandbox", (*back, *gone)))
    alert = markdown[: markdown.index("| Step | Resource")]
    assert all(f"`old-model-{n}`" in alert and f"-{n:04}-c400`" in alert for n in range(150))
    assert alert.index("`old-model-149`") < alert.index("-0000-c400`")
    assert "> - delete `Deployment/gone149` `old-model-149`" in alert
    assert "> - replace `Deployment/d149`" in alert
    assert len(markdown) <= LIMIT
    check_markdown(markdown)


def test_the_price_of_each_training_is_told_however_many_there_are() -> None:
    cost = Cost((72_000, 72_000), (Decimal(576) / 100,) * 2, "USD", "a list of prices " * 3)
    trainings = tuple(
        Step(Address.finetune(f"rain-{n}"), Action.TRAIN, When.NOW, "not trained yet", cost=cost)
        for n in range(150)
    )
    markdown = plan_markdown(Plan("p", "e", "sandbox", trainings))
    alert = markdown[: markdown.index("| Step | Resource")]
    assert "> - train `FineTune/rain-149`: about 5.76 USD" in alert


def test_thousands_of_deletions_are_counted_where_they_cannot_be_named() -> None:
    markdown = plan_markdown(Plan("p", "e", "sandbox", tuple(step(n) for n in range(3_000))))
    assert len(markdown) <= LIMIT
    assert "**3,000 live objects will be deleted" in markdown
    named = markdown[: markdown.index("| Step | Resource")].count("`Deployment/d")
    assert f"> - … and {3_000 - named:,} more" in markdown
