"""A Plan as Markdown for a pull request: the verdict first, money and deletions next, the rest folded.

Pure: a plan in, text out, never longer than a comment may be. What is too long is cut in the middle, and the
text says by how much. Every value goes through `markup`, so that none becomes a link, a mention or HTML.
"""

from collections.abc import Callable, Sequence

from wanctl.base.words import counted
from wanctl.finding import Finding, Severity
from wanctl.plan import Orphan, Plan, Status, Step, When
from wanctl.render.lineage import Graph, lineage_of, mermaid
from wanctl.render.made import OfflinePlan, PlanFailure, Shown
from wanctl.render.markdown.markup import code, fence, folded, link_target, prose
from wanctl.render.markdown.steps import StepBlock, settled_table, step_table
from wanctl.render.options import RenderOptions, marker_of
from wanctl.render.summary import (
    headline,
    impact_of,
    loss_sentence,
    money_sentence,
    offline_sentence,
    what_now,
)
from wanctl.render.visible import fitted, one_line
from wanctl.render.words import spell_cost, spell_orphan, spell_price, spell_verb

LIMIT = 60_000  # characters; GitHub refuses comments of more than 65,536
NAMED = 12  # trainings or deletions that a warning explains one by one
LONGEST_ALERT = 300  # characters of a reason in a warning; the whole stands in the details
LOSS_ROOM = 24_000  # the names of some 350 deletions: what is gone is not what is cut
BILL_ROOM = 10_000
WAITS_ROOM = 6_000
NODES = 60  # that a picture still shows

_STATUS_ICONS = {
    Status.CONVERGED: "✅",
    Status.CHANGES: "📝",
    Status.IN_PROGRESS: "⏳",
    Status.WAITING_FOR_PERSON: "👤",
    Status.BLOCKED: "⛔",
    Status.ERROR: "❌",
}
_SEVERITY_ICONS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.ADVICE: "💡"}


def plan_markdown(made: Shown, options: RenderOptions | None = None, limit: int = LIMIT) -> str:
    """The whole text, with the marker alone on its last line."""
    options = options or RenderOptions()
    marker = (options.marker or marker_of(made.project, made.environment)) + "\n"
    room = limit - len(marker) - 1
    if isinstance(made, OfflinePlan):
        sections = _offline(made, options, room)
    else:
        sections = (
            _failure(made, options, room) if isinstance(made, PlanFailure) else _plan(made, options, room)
        )
    return "\n\n".join(section for section in sections if section) + "\n\n" + marker


def _failure(failure: PlanFailure, options: RenderOptions, room: int) -> list[str]:
    title = f"### ❌ {_place(failure)}: {failure.verdict}, {counted(failure.errors, 'error')}"
    fact, advice = failure.consequence
    alert = _alert("CAUTION", [f"**{fact}** {advice}"])
    around = (title, *options.opening, alert, *options.closing)
    left = room - sum(len(part) + 2 for part in around) - 500
    found = _findings(failure.findings, left, options)
    return [title, *options.opening, alert, *found, *options.closing]


def _plan(plan: Plan, options: RenderOptions, room: int) -> list[str]:
    title = f"### {_status_icon(plan)} {_place(plan)}: {prose(headline(plan))}"
    top = [title, *options.opening, *_alerts(plan)]
    account = f" in {code(plan.account)}" if plan.account else ""
    foot = [
        f"Digest: {code(plan.digest)}, for {code(plan.provider)}{account}",
        _next(plan, options),
        *options.closing,
    ]
    left = room - sum(len(part) + 2 for part in (*top, *foot)) - 1_000  # for headings, notes and blank lines
    steps = plan.pending
    errors = [finding for finding in plan.findings if finding.severity is Severity.ERROR]
    others = [finding for finding in plan.findings if finding.severity is not Severity.ERROR]
    rejecting, consider = _findings(errors, left // 4, options), _findings(others, left // 6, options)
    table = step_table(steps, left // 4) if steps else ""
    picture = _picture(lineage_of(plan, options.references), steps, left // 6)
    kept = [settled_table(plan, left // 12), _orphans(plan.orphans, left // 12)]
    left -= sum(len(part) + 2 for part in (*rejecting, *consider, table, picture, *kept))
    details = _details(steps, max(left, 0), options)
    return [*top, *rejecting, table, *details, picture, *consider, *kept, *foot]


def _offline(offline: OfflinePlan, options: RenderOptions, room: int) -> list[str]:
    """The specs alone: what they would make of nothing, and what only the account tells."""
    first = offline.first
    title = f"### 🔎 {_place(offline)}: the specs are valid; there is no plan"
    facts = [
        f"**No plan: {prose(offline.why)}.** Nothing of this can be applied.",
        f"What the specs alone tell, {prose(offline_sentence(offline.first))}.",
    ]
    untold = [f"- {prose(one, begins=True)}" for one in offline.untold]
    unknown = "\n".join(["**Not known offline:**", "", *untold])
    top = [title, *options.opening, _alert("IMPORTANT", [facts[0]]), facts[1]]
    left = room - sum(len(part) + 2 for part in (*top, unknown, *options.closing)) - 1_000
    table = step_table(first.steps, left // 4) if first.steps else ""
    consider = _findings(offline.findings, left // 6, options)
    picture = _picture(lineage_of(first, options.references), first.steps, left // 6)
    recorded, _ = fitted(
        [f"- {code(str(one))}: {code(live)}" for one, live in offline.recorded.items()], left // 8
    )
    kept = folded("What the ledger among these files names", "\n".join(recorded)) if recorded else ""
    left -= sum(len(part) + 2 for part in (table, picture, *consider, kept))
    details = _details(first.pending, max(left, 0), options)
    return [*top, table, unknown, *details, picture, *consider, kept, *options.closing]


def _status_icon(plan: Plan) -> str:
    """Money and deletions show in the first sign already."""
    risk = impact_of(plan)
    if plan.status is not Status.ERROR and (risk.lost or risk.billed):
        return "🗑️" if risk.lost else "💸"
    return _STATUS_ICONS[plan.status]


def _place(made: Shown) -> str:
    return code(" / ".join(part for part in (made.project or "wanctl", made.environment) if part))


def _alert(kind: str, lines: Sequence[str]) -> str:
    """A block that GitHub paints; elsewhere it is a quotation."""
    return "\n".join([f"> [!{kind}]", *(f"> {line}" for line in lines)])


def _alerts(plan: Plan) -> list[str]:
    made = [_losses(plan), _money(plan), _person(plan), _blocked(plan)]
    if plan.status is Status.ERROR:
        made.insert(
            0, _alert("CAUTION", ["**Nothing can be applied** until the errors below are corrected."])
        )
    return [alert for alert in made if alert]


def _losses(plan: Plan) -> str:
    lost = impact_of(plan).lost
    return (
        _alert("CAUTION", [f"**{loss_sentence(plan)}**", *_named(lost, _loss, _in_short, LOSS_ROOM)])
        if lost
        else ""
    )


def _loss(step: Step) -> str:
    why = f": {prose(step.warning or step.reason, LONGEST_ALERT)}" if step.warning or step.reason else ""
    return f"{', '.join(map(code, step.ended))} ({step.action.value} {code(str(step.address))}){why}"


def _money(plan: Plan) -> str:
    billed = impact_of(plan).billed
    return (
        _alert(
            "WARNING",
            [f"**{prose(money_sentence(plan))}**", *_named(billed, _bill, _bill_in_short, BILL_ROOM)],
        )
        if billed
        else ""
    )


def _bill(step: Step) -> str:
    cost = prose(spell_cost(step.cost), LONGEST_ALERT) if step.cost else "cost unknown"
    return f"{code(str(step.address))}: {cost}"


def _bill_in_short(step: Step) -> str:
    known = step.cost is not None and step.cost.amount is not None
    return f"{_in_short(step)}: {prose(spell_price(step), LONGEST_ALERT) if known else 'cost unknown'}"


def _in_short(step: Step) -> str:
    names = " ".join(code(name) for name in (str(step.address), *step.ended))
    return f"{step.action.value} {names}"


def _named(
    steps: Sequence[Step], explained: Callable[[Step], str], in_short: Callable[[Step], str], room: int
) -> list[str]:
    """The first steps explained, the others in short, and at last only their number."""
    lines: list[str] = []
    for number, step in enumerate(steps):
        line = f"- {explained(step) if number < NAMED else in_short(step)}"
        line = line if len(line) <= room // 2 else f"- {in_short(step)}"
        room -= len(line)
        if room < 0:
            return [*lines, f"- … and {len(steps) - number:,} more"]
        lines.append(line)
    return lines


def _person(plan: Plan) -> str:
    waiting = [step for step in plan.pending if step.when is When.PERSON and not step.after]
    if not waiting:
        return ""
    return _alert("IMPORTANT", ["**A person has to act:**", *_named(waiting, _wait, _in_short, WAITS_ROOM)])


def _blocked(plan: Plan) -> str:
    blocked = [step for step in plan.pending if step.when is When.BLOCKED]
    if not blocked:
        return ""
    return _alert(
        "IMPORTANT", [f"**{len(blocked)} blocked:**", *_named(blocked, _wait, _in_short, WAITS_ROOM)]
    )


def _wait(step: Step) -> str:
    hints = "".join(f"<br>{code(hint, LONGEST_ALERT)}" for hint in step.hints[:2])
    return f"{spell_verb(step)} {code(str(step.address))}: {prose(step.reason, LONGEST_ALERT)}{hints}"


def _findings(findings: Sequence[Finding], room: int, options: RenderOptions) -> list[str]:
    if not findings:
        return []
    ranked = sorted(findings, key=lambda finding: list(Severity).index(finding.severity))
    lines, left_out = fitted([_finding(finding) for finding in ranked], room)
    note = _left_out(left_out, options)
    return ["\n".join(lines), *([note] if note else [])]


def _finding(finding: Finding) -> str:
    subjects = [code(str(part)) for part in (finding.place, finding.address) if part]
    head = f"- {_SEVERITY_ICONS[finding.severity]} **{finding.severity.value}** {' '.join(subjects)}".rstrip()
    hint = f"<br>→ {prose(finding.hint)}" if finding.hint else ""
    return f"{head}: {prose(finding.message)}{hint}"


def _details(steps: Sequence[Step], room: int, options: RenderOptions) -> list[str]:
    """One folded block a step. Long ones are cut inside first, then blocks in the middle go."""
    if not steps:
        return []
    whole = [StepBlock.of(step) for step in steps]
    blocks = [block.rendered() for block in whole]
    length = sum(len(block) for block in blocks)
    if length + 2 * len(blocks) > room:
        share = max(1_500, room // len(blocks) - 2)
        blocks = [
            text if len(text) <= share else block.rendered(share)
            for text, block in zip(blocks, whole, strict=True)
        ]
    blocks, _ = fitted(blocks, room, gap=2)
    left_out = length - sum(len(block) for block in blocks)
    return ["\n\n".join(blocks), _left_out(left_out, options) if left_out > 0 else ""]


def _left_out(characters: int, options: RenderOptions) -> str:
    if not characters:
        return ""
    whole = f"[The whole output](<{link_target(options.link)}>)" if options.link else "`wanctl plan`"
    return f"_… {characters:,} characters are left out here._ {whole} has them."


def _picture(graph: Graph, steps: Sequence[Step], room: int) -> str:
    if not graph.nodes:
        return ""
    shown = graph
    if len(graph.nodes) > NODES:
        shown = graph.around(step.address for step in steps)
    drawn = mermaid(shown)
    if not shown.nodes or len(shown.nodes) > NODES or len(drawn) > room:
        count = f"{len(graph.nodes):,} resources"
        return f"_The lineage of {count} is too large for a picture here: `wanctl graph` draws it._"
    return folded("Lineage", fence(drawn.rstrip("\n").split("\n"), "mermaid"))


def _orphans(orphans: Sequence[Orphan], room: int) -> str:
    if not orphans:
        return ""
    lines = [f"- {code(one.kind)} {code(one.remote_id)}: {prose(spell_orphan(one))}" for one in orphans]
    kept, left_out = fitted(lines, room)
    note = f"\n\n_… {left_out:,} characters are left out here._" if left_out else ""
    summary = f"{counted(len(orphans), 'orphan')}, kept: in no spec; to delete any: <code>wanctl prune</code>"
    return folded(summary, "\n".join(kept) + note)


def _next(plan: Plan, options: RenderOptions) -> str:
    if plan.status is Status.ERROR:
        return ""
    if not plan.pending:
        return ""
    next_step = prose(what_now(plan))
    if not plan.this_run() or not options.apply:
        return next_step
    return f"{next_step}\n\n{fence(map(one_line, options.apply), 'sh')}"
