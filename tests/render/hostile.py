"""Plans in which every text is somebody else's: what a spec may hold and a service may answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle

from hypothesis import strategies as st

from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.finding import Finding, Place, Severity
from wanctl.plan import Action, Change, FieldClass, Orphan, Plan, Progress, Step, When
from wanctl.render.made import OfflinePlan, PlanFailure
from wanctl.rules import Rule

HARMLESS = ("x",)
FRAGMENTS = (
    '@octocat', '@org/team', '#1', 'owner/repo#2', 'GH-3', 'deadbeefcafe', '1234567', '!5', '$x$',
    ':smile:', 'https://evil.example', 'www.evil.example', 'evil.com', 'www.', 'a@b.example',
    'ftp://evil.example', 'mailto:a@b.c', '<script>alert(1)</script>', '<img src=x onerror=alert(1)>',
    '</details>', '</code>', '</summary>', '<br>', '</style>', '<!-- wanctl plan: x/y -->', '-->',
    '&lt;b&gt;', '&#64;octocat', '"><a href=x>', "' onclick='x", '{{ 7 * 7 }}', '{% x %}',
    '[x](javascript:alert(1))', '![x](https://evil.example)', '[x]: https://evil.example',
    '<https://evil.example>', '[^1]', '`', '``', '```', '~~~', '\n```\n', '````diff', '|', '\\|', '\\',
    '\n|---|---|\n', '*a*', '__b__', '~~c~~', '\n\n# head\n\n', '\n- item', '1.', '1)', '- ', '> ', '+ ',
    '---', '===', '\n    code', '\n> [!NOTE]\n> x', '\t', '\x1b[31m', '\x00', '\x07', '\r', '\r\n',
    '\x85', '\u2028', '\u202e', '\u2066', '\u200b', '\u200d', '\ufeff', '\U000e0041', '\u3164', '\ufe01',
    '\xad', '\ufffe', '%%{init: {}}%%', '"]', ':::now', 'click n0 href', 'end', '#quot;', 'fa:fa-bomb',
    ' word ', ' two words ', '(', ')', '.', ':', "'", '\u2026', '\u96e8', '\u0634', '\xe9', '\U0001f600',
    '<', '>', '&',
)  # fmt: skip

_pieces = st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8))
_text = st.lists(_pieces, max_size=6).map(lambda parts: "".join(parts) + "x")
texts = st.lists(_text, min_size=1, max_size=12)
"""Some texts, none of them empty: a plan takes them in turn."""


def plan_of(words: Sequence[str]) -> Plan:
    """A plan with a step of every sort, the texts everywhere."""
    text = cycle(words).__next__
    dataset, job, checkpoint, live = (
        make(f"{text()}{number}")
        for number, make in enumerate(
            (Address.dataset, Address.finetune, Address.checkpoint, Address.deployment)
        )
    )
    steps = (
        Step(dataset, Action.UPLOAD, When.DONE, text(), remote_id=text(), summary=text()),
        Step(job, Action.TRAIN, When.LATER, text(), (dataset,), (_change(text, None),), cost=_cost(text)),
        Step(checkpoint, Action.CHOOSE, When.PERSON, text(), hints=(text(), text()), summary=text()),
        Step(
            live,
            Action.REPLACE,
            When.NOW,
            text(),
            (checkpoint,),
            (_change(text, text()), _change(text, text() * 20), _change(text, {text(): [text(), 1, None]})),
            remote_id=text(),
            warning=text(),
            drift=True,
        ),
        Step(
            Address.finetune(f"{text()}4"),
            Action.TRAIN,
            When.SERVICE,
            text(),
            progress=Progress(text(), None, text(), datetime(2026, 3, 18, tzinfo=UTC)),
        ),
        Step(Address.deployment(f"{text()}5"), Action.DEPLOY, When.BLOCKED, text(), hints=(text(),)),
        Step(Address.deployment(f"{text()}6"), Action.DEPLOY, When.LATER, text(), (live,)),
    )
    return Plan(
        text(), text(), text(), steps, findings_of(text, Severity.WARNING), (Orphan(text(), text(), text()),)
    )


def offline_of(words: Sequence[str]) -> OfflinePlan:
    """What the specs alone tell, the texts everywhere."""
    text = cycle(words).__next__
    first = replace(plan_of(words), findings=(), orphans=())
    return OfflinePlan(
        text(), text(), 7, findings_of(text, Severity.WARNING), text(), first,
        {first.steps[0].address: text()}, (text(), text()),
    )  # fmt: skip


def failure_of_texts(words: Sequence[str]) -> PlanFailure:
    text = cycle(words).__next__
    return PlanFailure(text(), text(), findings_of(text, Severity.ERROR))


def findings_of(text: Callable[[], str], severity: Severity) -> tuple[Finding, ...]:
    return (
        Finding(severity, text(), Address.dataset(text()), text(), Place(text()), rule=Rule.FAILED),
        Finding(Severity.ADVICE, text(), rule=Rule.FAILED),
    )


def _change(text: Callable[[], str], before: object) -> Change:
    after = text() * 20 if isinstance(before, str) else text()
    return Change(text(), before, after, FieldClass.IMMUTABLE, text(), origin=text())


def _cost(text: Callable[[], str]) -> Cost:
    return Cost((1_000, 2_000), (Decimal(1), Decimal(2)), text(), text())
