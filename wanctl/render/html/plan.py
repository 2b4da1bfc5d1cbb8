"""A Plan as one HTML page that loads nothing: a file to keep beside a run, or to send to somebody.

The template says where each thing stands; its values come from here.
"""

from wanctl.finding import Severity
from wanctl.plan import Plan, Status, Step, When
from wanctl.render.diffs import step_diff
from wanctl.render.html import render, styled
from wanctl.render.html.picture import laid_out
from wanctl.render.lineage import Texts, lineage_of
from wanctl.render.made import OfflinePlan, PlanFailure, Shown
from wanctl.render.options import RenderOptions
from wanctl.render.summary import (
    counts,
    impact_of,
    loss_sentence,
    money_sentence,
    offline_sentence,
    verdict,
    what_now,
)
from wanctl.render.words import (
    spell_cost,
    spell_lasted,
    spell_orphan,
    spell_paid,
    spell_price,
    spell_progress,
    spell_state,
    spell_times,
    spell_verb,
    spell_when,
)

_FILTERS = {
    "cost": spell_cost,
    "orphan": spell_orphan,
    "price": spell_price,
    "progress": spell_progress,
    "state": spell_state,
    "verb": spell_verb,
    "when": spell_when,
    "diff": step_diff,
    "times": spell_times,
    "paid": spell_paid,
    "lasted": spell_lasted,
}


def plan_html(made: Shown, options: RenderOptions | None = None) -> str:
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
    if isinstance(made, OfflinePlan):
        graph = lineage_of(made.first, options.references)
        picture = laid_out(graph) if graph.nodes else None
        sentence = _sentence(offline_sentence(made.first))
        return render(
            "offline.html.j2", **shared, **_FILTERS, offline=made, sentence=sentence, picture=picture
        )
    graph = lineage_of(made, options.references)
    settled = [step for step in made.steps if step.settled]
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
        settled=settled,
        texts=texts_of_settled(made, options.texts),
        gallery=lambda step: gallery_of(step, options),
        picture=laid_out(graph) if graph.nodes else None,
    )


def gallery_of(step: Step, options: RenderOptions) -> str | None:
    """Where the previews are seen by which a resource is chosen, or which a training made."""
    if step.when not in {When.DONE, When.PERSON} or step.after:
        return None
    near = (step.address, *(options.references or {}).get(step.address, ()))
    return next((options.galleries[one] for one in near if one in options.galleries), None)


def texts_of_settled(plan: Plan, texts: Texts) -> Texts:
    """Of what is as the specs say; what is to change shows its changes."""
    return {
        step.address: texts[step.address] for step in plan.steps if step.settled and step.address in texts
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
