"""The Markdown of a CI run besides the plan: the calls that an apply made, where the previews are. Pure."""

from collections.abc import Mapping, Sequence

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.engine.converge import Outcome
from wanctl.finding import Finding, Severity
from wanctl.plan import Plan, Status, Step
from wanctl.render.made import Checked, Made
from wanctl.render.markdown.markup import code, link_target, prose
from wanctl.render.options import marker_of
from wanctl.render.visible import fitted

ROOM = 8_000  # characters for what was done; the log has all of it


def checked_markdown(checked: Checked, closing: Sequence[str] = ()) -> str:
    """The same shape as a plan's Markdown: the verdict first, the marker last."""
    place = code(" / ".join(part for part in (checked.project, checked.environment) if part))
    why = checked.why[:1].upper() + checked.why[1:]
    lines, _ = fitted([_found(one) for one in checked.found], ROOM)
    sections = [
        f"### 🔎 {place}: the specs are valid; there is no plan",
        f"{prose(why)}. The specs and the datasets were checked, offline.",
        "\n".join(lines),
        *closing,
        marker_of(checked.project, checked.environment),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _found(one: Finding) -> str:
    sign = "⚠️" if one.severity is Severity.WARNING else "💡"
    return f"- {sign} {code(str(one.place))}: {prose(one.message)}"


def done_sections(outcome: Outcome) -> tuple[str, ...]:
    """The calls that an apply made and the failures, for the place beneath the verdict."""
    failed = [f"> - {step_name(one.step)}: {prose(str(one.error))}" for one in outcome.failures]
    failed += [f"> - {step_name(step)} came up and was not in the plan" for step in outcome.unapproved]
    done = [f"- {step_name(step)}{' → ' + code(remote) if remote else ''}" for step, remote in outcome.done]
    sections = []
    if failed:
        lines, _ = fitted(failed, ROOM, hole="> - …")
        sections.append("\n".join(["> [!CAUTION]", "> **This apply failed:**", *lines]))
    if done:
        lines, _ = fitted(done, ROOM, hole="- …")
        sections.append("\n".join([f"**{counted(len(done), 'call')} made:**", "", *lines]))
    elif not failed and outcome.plan.pending:
        sections.append("**Nothing to call in this run.** What is left:")
    return tuple(sections)


def step_name(step: Step) -> str:
    return f"{step.action.value} {code(str(step.address))}"


def closing_sections(
    made: Made, *, review: bool, run_url: str | None, commit: str | None, previews: Mapping[Address, int]
) -> tuple[str, ...]:
    """The last lines: what merging does, where the previews are, which commit and run it comes from."""
    sections = []
    if review and isinstance(made, Plan) and made.status is not Status.ERROR and made.this_run():
        sections.append(
            "Merging does it: the default branch's run plans again, and applies what the specs say then. "
            "The command does it by hand, and this plan only."
        )
    run = f"[this run](<{link_target(run_url)}>)" if run_url else "this run"
    sections += [
        f"👀 {counted(count, 'preview')} of {code(str(address))}: in the artefacts of {run}, "
        f"with a page to choose by, {code(f'gallery/{address.name}/index.html')}."
        for address, count in previews.items()
    ]
    marks = [f"Commit {code(commit[:12])}" if commit else "", run if run_url else ""]
    if origin := " · ".join(mark for mark in marks if mark):
        sections.append(origin)
    return tuple(sections)
