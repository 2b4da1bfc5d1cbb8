"""Another environment with this project's name in its account: what its ledger knows is not ended from here.

A gate, as those in `gates`: it holds steps and adds nothing. The project reads the other ledgers.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from wanctl.engine.gates import Gate
from wanctl.plan import Action, Plan, Step, When


def neighbour_gate(known: Mapping[str, str]) -> Gate:
    """`known`: remote id → whose it is, as a person would say it."""

    def gate(plan: Plan, _: datetime) -> Plan:
        if not known:
            return plan
        steps = tuple(_held(step, known) for step in plan.steps)
        orphans = tuple(one for one in plan.orphans if one.remote_id not in known)
        return replace(plan, steps=steps, orphans=orphans)

    return gate


def _held(step: Step, known: Mapping[str, str]) -> Step:
    ends = step.deletes or step.action is Action.CANCEL
    owner = known.get(step.remote_id or "") if ends and step.when in {When.NOW, When.LATER} else None
    if owner is None:
        return step
    return replace(
        step,
        when=When.BLOCKED,
        after=(),
        reason=f"{step.reason}; but {step.remote_id} is {owner} as well",
        hints=("give each environment a project: of its own in wanctl.yaml", *step.hints),
        effect=None,
    )
