"""What the loop may do by itself. What it may not, waits for a person, who answers in git.

A pure gate over the plan: a step that is held is shown as waiting for a person, with the line to commit.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime

from wanctl.engine.gates import Gate, concludes
from wanctl.plan import Action, Plan, Step, When

APPROVALS_FILE = ".wanctl-approvals"


@dataclass(frozen=True)
class Policy:
    """Whether drift is mended, and which actions need a person's line in git."""

    self_heal: bool = False
    needs_approval: frozenset[Action] = frozenset()


def read_approvals(text: str) -> frozenset[str]:
    """The digests of an approvals file: the first word of each line; # begins a comment."""
    words = (line.partition("#")[0].split() for line in text.splitlines())
    return frozenset(found[0].lower() for found in words if found)


def step_digest(step: Step) -> str:
    """What a person approves of one step: what is done to what, whenever its turn comes."""
    canonical = {key: value for key, value in step.canonical().items() if key not in {"when", "after"}}
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def holding(policy: Policy, approved: frozenset[str]) -> Gate:
    """Hold what is drift, and what needs approval and has none. A plan's digest approves all of it."""

    def gate(plan: Plan, _: datetime) -> Plan:
        whole = plan.digest in approved
        steps = tuple(_held(step, policy, approved, whole=whole) for step in plan.steps)
        return replace(plan, steps=steps) if steps != plan.steps else plan

    return gate


def needs_approval(step: Step, policy: Policy) -> bool:
    """Its action is named; a replacement is a deletion too. One that was begun was approved then."""
    if concludes(step):
        return False
    return step.action in policy.needs_approval or (Action.DELETE in policy.needs_approval and step.deletes)


def _held(step: Step, policy: Policy, approved: frozenset[str], *, whole: bool) -> Step:
    if step.when is not When.NOW or step.effect is None:
        return step
    if step.drift and not policy.self_heal:
        reason = f"{step.reason}; drift is not mended without --self-heal"
        return replace(step, when=When.PERSON, effect=None, reason=reason, hints=("wanctl apply",))
    digest = step_digest(step)
    if needs_approval(step, policy) and not whole and digest not in approved:
        line = f"commit to {APPROVALS_FILE}: {digest}  # {step.action.value} {step.address}"
        reason = f"{step.reason}; it waits for approval" if step.reason else "it waits for approval"
        return replace(step, when=When.PERSON, effect=None, reason=reason, hints=(line,))
    return step
