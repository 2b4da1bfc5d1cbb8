"""A deployment whose aigc_config nobody knows: it goes on serving, and no other is made from a guess.

`aigc_config: {unknown: true}` says so in the specs, and None in the ledger's record of what was sent.
"""

from dataclasses import replace

from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Planned
from wanctl.kinds.deployment.echoed_config import differences, echoed_config
from wanctl.kinds.deployment.serving import DeploymentCase
from wanctl.plan import Action, Step, When
from wanctl.rules import Rule


def without_guess(case: DeploymentCase, planned: Planned) -> Planned:
    """The plan of a Deployment, held back where it would deploy what nobody knows, and what to know of it."""
    step = planned.step
    current = case.context.entry(case.address).current
    if case.spec.aigc_config.unknown:
        finding = _finding(
            case,
            f"the aigc_config of {step.remote_id or case.address} is unknown: not readable from the API",
            "write it there"
            + (
                f", then, to trust it: wanctl adopt {case.address} {step.remote_id}" if step.remote_id else ""
            ),
        )
        return replace(planned, step=_held_back(case, step), findings=(finding,))
    recorded = current and current.remote_id == step.remote_id
    if recorded and current and current.inputs.get("aigc_config") is None and step.settled:
        finding = _finding(
            case,
            f"the aigc_config of {step.remote_id} is unverified: it was adopted without one",
            f"to trust that it is as the spec says: wanctl adopt {case.address} {step.remote_id}; "
            f"to deploy again with it: attempt: {case.spec.attempt + 1}",
        )
        return replace(planned, findings=(*planned.findings, finding))
    if recorded and step.settled and (other := _told_otherwise(case, planned)):
        return replace(planned, findings=(*planned.findings, other))
    return planned


def _told_otherwise(case: DeploymentCase, planned: Planned) -> Finding | None:
    """It was sent what the spec says, and a service that gives it back tells something else."""
    live = case.context.snapshot.deployment_by_id.get(planned.step.remote_id or "")
    told = echoed_config(live) if live else None
    other = differences(told, case.spec.aigc_config.sent()) if told is not None else ()
    if not other:
        return None
    return _finding(
        case,
        f"{planned.step.remote_id} tells another aigc_config than it was sent: {'; '.join(other)}",
        f"to deploy again with what the spec says: attempt: {case.spec.attempt + 1}",
    )


def _held_back(case: DeploymentCase, step: Step) -> Step:
    if step.action not in {Action.DEPLOY, Action.REPLACE} or step.when not in {When.NOW, When.LATER}:
        return step
    return replace(
        step,
        when=When.BLOCKED,
        reason=f"{step.reason}; its aigc_config is unknown, and none is guessed",
        after=(),
        warning=None,
        hints=(f"write aigc_config at {case.resource.at('aigc_config')}",),
        effect=None,
    )


def _finding(case: DeploymentCase, message: str, hint: str) -> Finding:
    place = case.resource.places.get("aigc_config", case.resource.origin)
    return Finding(
        Severity.WARNING, message, case.address, hint=hint, place=place, rule=Rule.CONFIG_UNVERIFIED
    )
