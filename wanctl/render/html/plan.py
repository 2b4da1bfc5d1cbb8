"""A Plan as one HTML page that loads nothing: a file to keep beside a run, or to send to somebody.

The template says where each thing stands; its values come from here.
"""

from wanctl.finding import Severity
from wanctl.plan import Plan, Status, When
from wanctl.render.diffs import step_diff
from wanctl.render.html import render, styled
from wanctl.render.html.picture import laid_out
from wanctl.render.lineage import lineage_of
from wanctl.render.made import PlanFailure
from wanctl.render.options import RenderOptions
from wanctl.render.summary import counts, impact_of, loss_sentence, money_sentence, verdict, what_now
from wanctl.render.words import spell_cost, spell_orphan, spell_price, spell_progress, spell_state, spell_when

_FILTERS = {
    "cost": spell_cost,
    "orphan": spell_orphan,
    "price": spell_price,
    "progress": spell_progress,
    "state": spell_state,
    "when": spell_when,
    "diff": step_diff,
}


def plan_html(made: Plan | PlanFailure, options: RenderOptions | None = None) -> str:
    """The whole page."""
    options = options or RenderOptions()
    shared = {
        **styled("plan.css"),
        "place": " / ".join(part for part in (made.project or "wanctl", made.environment) if part),
        "findings": sorted(made.findings, key=lambda finding: list(Severity).index(finding.severity)),
        "options": options,
    }
    if isinstance(made, PlanFailure):
        return render("failure.html.j2", **shared, failure=made)
    graph = lineage_of(made, options.references)
    return render(
        "plan.html.j2",
        **shared,
        **_FILTERS,
        plan=made,
        status=made.status.value.replace("_", " "),
        headline=_sentence(verdict(made)),
        counts=counts(made),
        now=what_now(made) if made.pending and made.status is not Status.ERROR else "",
        risk=impact_of(made),
        loss=loss_sentence(made),
        money=money_sentence(made),
        waiting=[step for step in made.pending if step.when is When.PERSON and not step.after],
        blocked=[step for step in made.pending if step.when is When.BLOCKED],
        settled=[step for step in made.steps if step.settled],
        picture=laid_out(graph) if graph.nodes else None,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
