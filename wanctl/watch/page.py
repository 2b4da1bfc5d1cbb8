"""The loop as a page in a browser: read-only, loads nothing, reads itself again."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from wanctl.finding import Severity
from wanctl.plan import Action, Plan, Step, When
from wanctl.render.diffs import step_diff
from wanctl.render.html import render, styled
from wanctl.render.html.picture import laid_out
from wanctl.render.html.plan import gallery_of, texts_of_settled
from wanctl.render.lineage import lineage_of
from wanctl.render.options import RenderOptions
from wanctl.render.summary import counts, impact_of, loss_sentence, money_sentence, verdict
from wanctl.render.words import (
    PHASES,
    spell_commit,
    spell_cost,
    spell_lasted,
    spell_orphan,
    spell_paid,
    spell_state,
    spell_times,
    spell_when,
)
from wanctl.watch.iteration import Iteration
from wanctl.watch.policy import APPROVALS_FILE, Policy
from wanctl.watch.status import LoopStatus

REFRESH = 15  # seconds
REVIEWS = "reviews"  # beneath which galleries are served
_CALLS_SHOWN = 15


def policy() -> str:
    """The policy of the page, which may load its own style alone. For the header; the page says it, too."""
    digest = styled("watch.css")["style_hash"]
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def watch_html(loop_status: LoopStatus, now: datetime, *, local: bool = False) -> str:
    """The whole page at a moment. Who looks from this machine is led to the galleries on it, too."""
    plan = loop_status.iteration.plan if loop_status.iteration else None
    graph = lineage_of(plan, loop_status.iteration.references) if plan and loop_status.iteration else None
    return render(
        "watch.html.j2",
        **styled("watch.css"),
        place=" / ".join(part for part in (loop_status.project, loop_status.environment) if part),
        loop_status=loop_status,
        plan=plan,
        now=now,
        refresh=REFRESH,
        word=_word(loop_status),
        word_class="unready" if loop_status.errors else plan.status.value if plan else "later",
        headline=_headline(loop_status),
        by_itself=_by_itself(loop_status.policy),
        **_alerts(plan),
        findings=sorted(plan.findings, key=lambda one: list(Severity).index(one.severity)) if plan else (),
        history=tuple(reversed(loop_status.iteration.record.history[-_CALLS_SHOWN:]))
        if loop_status.iteration
        else (),
        picture=laid_out(graph) if graph and graph.nodes else None,
        moment=moment,
        spell_commit=spell_commit,
        spell_orphan=spell_orphan,
        ago=lambda at: f"{span(now - at)} ago",
        ahead=lambda at: f"in {span(at - now)}" if at > now else "now",
        phase=_phase,
        state=spell_state,
        when=spell_when,
        cost=spell_cost,
        paid=spell_paid,
        times=spell_times,
        lasted=spell_lasted,
        diff=step_diff,
        later=[step for step in plan.pending if step.when is When.LATER and step.changes] if plan else [],
        held=lambda step: any(APPROVALS_FILE in hint for hint in step.hints),
        texts=texts_of_settled(plan, loop_status.iteration.texts) if plan and loop_status.iteration else {},
        gallery=lambda step: gallery_of(step, _options(loop_status.iteration, local=local)),
    )


def _options(iteration: Iteration | None, *, local: bool) -> RenderOptions:
    if iteration is None:
        return RenderOptions()
    links = {address: gallery_link(name) for address, name in iteration.galleries.items()} if local else {}
    return RenderOptions(iteration.references, texts=iteration.texts, galleries=links)


def gallery_link(name: str) -> str:
    """Where the loop's server has a gallery."""
    return f"/{REVIEWS}/{quote(name, safe='')}/index.html"


def span(lasting: timedelta) -> str:
    """90 s, 4 min, 3 h: as precise as anybody wants it."""
    seconds = max(round(lasting.total_seconds()), 0)
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86400} days"


def _word(loop_status: LoopStatus) -> str:
    if loop_status.errors:
        return "failing"
    return loop_status.iteration.plan.status.value.replace("_", " ") if loop_status.iteration else "starting"


def _headline(loop_status: LoopStatus) -> str:
    if loop_status.errors:
        return "The last round failed; the loop goes on"
    if loop_status.iteration is None:
        return "No round has made a plan yet"
    text = verdict(loop_status.iteration.plan)
    return text[:1].upper() + text[1:]


def _by_itself(policy: Policy) -> str:
    """Says how far the loop goes by itself, by its options."""
    drift = "corrects drift" if policy.self_heal else "reports drift and does not correct it"
    if policy.needs_approval == frozenset(Action):
        return f"{drift}; everything waits for a line in git"
    waiting = ", ".join(sorted(policy.needs_approval))
    return f"{drift}; {waiting} wait for a line in git" if waiting else drift


def _alerts(plan: Plan | None) -> dict[str, Any]:
    """The values for the top of the page: what is lost, what is billed, who has to act."""
    if plan is None:
        return {}
    pending = plan.pending
    return {
        "counts": counts(plan),
        "risk": impact_of(plan),
        "loss": loss_sentence(plan),
        "money": money_sentence(plan),
        "waiting": [step for step in pending if step.when is When.PERSON and not step.after],
        "blocked": [step for step in pending if step.when is When.BLOCKED],
    }


def _phase(step: Step) -> str:
    return PHASES[step.when].label


def moment(at: datetime) -> Markup:
    shown = at.strftime("%Y-%m-%d %H:%M:%S")
    zone = "UTC" if at.utcoffset() == timedelta(0) else at.strftime("%z")
    return Markup('<time datetime="{}">{} {}</time>').format(at.isoformat(), shown, zone)
