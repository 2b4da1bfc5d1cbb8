"""What the service does not tell of a deployment, and what others did to it all the same.

Few services give a capacity or an aigc_config back. Each says when a deployment was last modified: that is
held against the calls that wanctl made for it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from wanctl.base.words import listed
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import Planned, in_utc
from wanctl.kinds.deployment.case import DeploymentCase
from wanctl.kinds.deployment.unrecorded import echoed_config
from wanctl.ledger.record import Verb
from wanctl.rules import Rule
from wanctl.studio.objects import LiveDeployment

OUR_CHANGE = timedelta(hours=1)  # for so long a call of ours may go on: a deployment comes up, or is scaled
_LOOKED_AFTER = frozenset({Verb.DEPLOY, Verb.SCALE, Verb.DELETE, Verb.ADOPT, Verb.LOOK})
LATER = "changes by others"


def with_untold(case: DeploymentCase, planned: Planned) -> Planned:
    """The plan with what no answer tells, and a warning where somebody may have changed just that."""
    live = case.context.snapshot.deployment_by_id.get(planned.step.remote_id or "")
    if live is None or live.leaving:
        return planned
    untold = tuple(_untold(live))
    current = case.known.current
    ours = current is not None and current.remote_id == live.deployed_model
    if not (untold and ours and live.running and planned.step.settled):
        return replace(planned, unseen=untold)
    last, ahead = _last_call(case), case.context.service_clock
    if live.gmt_modified is None or last is None or ahead is None:
        return replace(planned, unseen=(*untold, LATER))
    if live.gmt_modified - ahead <= last + OUR_CHANGE:
        return replace(planned, unseen=untold)
    finding = _modified(case, live, untold)
    return replace(planned, unseen=untold, findings=(*planned.findings, finding))


def _untold(live: LiveDeployment) -> Iterator[str]:
    if live.capacity is None:
        yield "capacity"
    if echoed_config(live) is None:
        yield "aigc_config"


def _modified(case: DeploymentCase, live: LiveDeployment, untold: tuple[str, ...]) -> Finding:
    name, when = live.deployed_model, f"{live.gmt_modified:%Y-%m-%d %H:%M:%S}"
    verb = "is" if len(untold) == 1 else "are"
    return Finding(
        Severity.WARNING,
        f"{name} was modified at {when} by the service's clock, and not by wanctl; "
        f"its {listed(untold)} {verb} not told",
        case.address,
        hint=f"look at it in the console; if it is as the spec says: wanctl adopt {case.address} {name}; "
        f"to deploy it again: attempt: {case.spec.attempt + 1}",
        place=case.resource.origin,
        rule=Rule.MODIFIED_ELSEWHERE,
    )


def _last_call(case: DeploymentCase) -> datetime | None:
    """When wanctl last did something to it, had it adopted or found it; in UTC, without saying so."""
    calls, current = case.context.last_lines, case.known.current
    names = (str(case.address), current.remote_id if current else "")
    found = [calls[one, verb] for one in names for verb in _LOOKED_AFTER if (one, verb) in calls]
    return in_utc(max(line.at for line in found)) if found else None
