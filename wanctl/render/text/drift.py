"""Drift as text and as JSON. Pure: a Drift in, lines or a value out."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from wanctl.base.words import counted, listed
from wanctl.engine.drift import Drift
from wanctl.plan import Step, When
from wanctl.render.text.changes import INDENT
from wanctl.render.text.plan import finding_block

FORMAT_VERSION = "1.0"


def drift_lines(drift: Drift) -> list[Text]:
    """What moved, and what apply would do about it; a sentence where nothing did."""
    if not drift.found and drift.passed_over:
        names = listed([str(address) for address in drift.passed_over])
        return [Text.assemble(("No drift", "bold green"), f" but what is ignored: {names}.")]
    if not drift.found:
        return [Text.assemble(("No drift.", "bold green"), " The account is as wanctl left it.")]
    lines = [line for step in drift.steps for line in _step_lines(step)]
    for orphan in drift.orphans:
        lines.append(
            Text.assemble("  ", (f"{orphan.kind}/{orphan.remote_id}", "bold"), f"  {orphan.note}; in no spec")
        )
        lines.append(Text.assemble(INDENT, ("→ ", "cyan"), f"to delete it: wanctl prune {orphan.remote_id}"))
    if lines:
        lines.append(Text())
    lines += finding_block(drift.findings)
    count = len(drift.steps) + len(drift.orphans) + len(drift.findings)
    lines.append(Text.assemble(("Drift: ", "bold yellow"), f"{counted(count, 'thing')} to look at."))
    return lines


def _step_lines(step: Step) -> Iterator[Text]:
    yield Text.assemble("  ", (str(step.address), "bold"), f"  {step.reason}")
    if step.when in {When.NOW, When.LATER}:
        yield Text.assemble(INDENT, ("→ ", "cyan"), f"wanctl apply would {step.action.value} it again")
    for hint in step.hints:
        yield Text.assemble(INDENT, ("→ ", "cyan"), hint)


def drift_json(drift: Drift) -> dict[str, Any]:
    """For programs: the same keys as in a plan's JSON, and whether there is any drift."""
    plan = drift.plan
    return {
        "format_version": FORMAT_VERSION,
        "project": plan.project,
        "environment": plan.environment,
        "provider": plan.provider,
        "drift": drift.found,
        "steps": [step.as_json() for step in drift.steps],
        "findings": [finding.as_json() for finding in drift.findings],
        "orphans": [orphan.as_json() for orphan in drift.orphans],
    }
