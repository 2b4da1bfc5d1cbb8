"""The limits of what the loop does by itself. Everything else waits for a person, who answers in git. Pure.

A gate over the plan: a step that is held is shown as waiting for a person, with the line to commit. A person
approves what the specs want of a resource and of all that it stands on, down to its data's bytes: that is
known before anything is done, stays the same while it is done, and so approves what begins hours later.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from wanctl.address import Address
from wanctl.dataset.contents import LocalData
from wanctl.engine.gates import Gate, concludes
from wanctl.language.models import Dataset
from wanctl.language.resources import Desired, Resource
from wanctl.ledger.record import CHECKING
from wanctl.plan import Action, Plan, Step, When

APPROVALS_FILE = ".wanctl-approvals"


@dataclass(frozen=True)
class Policy:
    """Whether drift is corrected, and which actions need a person's line in git."""

    self_heal: bool = False
    needs_approval: frozenset[Action] = frozenset()


def read_approvals(text: str) -> frozenset[str]:
    """The digests of an approvals file: the first word of each line; # begins a comment."""
    words = (line.partition("#")[0].split() for line in text.splitlines())
    return frozenset(found[0].lower() for found in words if found)


@dataclass
class Approvals:
    """The approvals of persons: the lines on the ref, and the steps that a whole plan's line has let through.

    A plan is another one as soon as its first step is done. So where a plan's digest was found, its steps
    stay approved for as long as this process lives.
    """

    lines: frozenset[str] = frozenset()
    by_plan: set[str] = field(default_factory=set)
    begun: dict[Address, str | None] = field(default_factory=dict)  # replacements: what was wanted then
    asked: dict[Address, str] = field(default_factory=dict)  # the steps of the last plan that have none yet
    where: str = f"commit to {APPROVALS_FILE}"  # what a person does with a digest

    def consider(self, plan: Plan, intents: Mapping[Address, str]) -> None:
        """Of a plan that was approved as a whole: its steps, but for drift, which may come about again."""
        if plan.digest in self.lines:
            self.by_plan |= {step_digest(plan, one, intents) for one in plan.pending if not one.drift}

    def __contains__(self, digest: str) -> bool:
        return digest in self.lines or digest in self.by_plan


def step_digest(plan: Plan, step: Step, intents: Mapping[Address, str]) -> str:
    """The digest by which one step is approved, the same from when it is shown until it is done.

    It is made of the action and its object, the account, and what the specs want of the object and of all
    that it stands on.

    A value that is made on the way there, as a model's name is, follows from that. What the world has undone
    is approved for this time.
    """
    return digest_of(
        {
            "project": plan.project,
            "environment": plan.environment,
            "provider": plan.provider,
            "address": str(step.address),
            "action": step.action.value,
            "remote_id": step.remote_id,
            "intent": intents.get(step.address),
            "changes": [
                {
                    "path": change.path,
                    "before": change.before,
                    "after": str(change.derived_from) if change.derived_from else change.after,
                }
                for change in step.changes
            ],
            "drift": step.reason if step.drift else None,
        }
    )


def holding(policy: Policy, approvals: Approvals, intents: Mapping[Address, str]) -> Gate:
    """Hold what is drift, and what needs approval and has none. A plan's digest approves all of it."""

    def gate(plan: Plan, _: datetime) -> Plan:
        approvals.asked.clear()
        approvals.consider(plan, intents)
        steps = tuple(_judged(plan, step) for step in plan.steps)
        return replace(plan, steps=steps) if steps != plan.steps else plan

    def _judged(plan: Plan, step: Step) -> Step:
        startable = step.when is When.NOW and step.effect is not None
        if startable and step.drift and not policy.self_heal:
            reason = f"{step.reason}; drift is not corrected without --self-heal"
            return replace(step, when=When.PERSON, effect=None, reason=reason, hints=("wanctl apply",))
        if not (startable or step.when is When.LATER) or not needs_approval(step, policy):
            return step
        digest, intent = step_digest(plan, step, intents), intents.get(step.address)
        if digest in approvals:
            approvals.begun[step.address] = intent
            return step
        if (
            concludes(step)
            and not _asked_apart(step, policy)
            and approvals.begun.get(step.address, intent) == intent
        ):
            return step  # approved when it was begun; what was pushed since then was not
        approvals.asked[step.address] = digest
        line = f"{approvals.where}: {digest}  # {step.action.value} {step.address}"
        if not startable:  # it may be approved ahead, in one commit with the others
            return replace(step, hints=(*step.hints, line))
        reason = f"{step.reason}; it waits for approval" if step.reason else "it waits for approval"
        return replace(step, when=When.PERSON, effect=None, reason=reason, hints=(line,))

    return gate


def needs_approval(step: Step, policy: Policy) -> bool:
    """Its action is named; a replacement is a deletion too, and may have checks that are paid."""
    if _asked_apart(step, policy):
        return True
    return step.action in policy.needs_approval or (Action.DELETE in policy.needs_approval and step.deletes)


def _asked_apart(step: Step, policy: Policy) -> bool:
    """A check is paid, and somebody wants to be asked before each is, whatever was approved before."""
    asks = step.effect is not None and step.effect.verb in CHECKING
    return asks and Action.CHECK in policy.needs_approval


def intents_of(desired: Desired, local: Mapping[Address, LocalData]) -> Mapping[Address, str]:
    """For every resource of the specs one digest of what they want of it, and of all that it stands on."""
    found: dict[Address, str] = {}
    for address, resource in desired.resources.items():  # upstream first
        below = [found[reference] for reference in resource.references]
        found[address] = digest_of({"wanted": _wanted(resource, local.get(address)), "upstream": below})
    return found


def digest_of(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _wanted(resource: Resource, data: LocalData | None) -> Any:
    """Of a data set its content alone: where it lies, and what it is called there, changes nothing."""
    if isinstance(resource.spec, Dataset) and data and data.facts:
        return {"content": f"sha256:{data.facts.digest}"}
    return resource.spec.model_dump(mode="json")
