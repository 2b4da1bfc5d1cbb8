"""What a person approved, and whether a step is in it. Nothing runs that the approved plan does not hold."""

from dataclasses import dataclass

from wanctl.address import Address
from wanctl.plan import Action, Change, Plan, Step, When

WITHDRAW = "withdraw"  # approving one training is approving to take a second one of it back
_VERBS: dict[Action, frozenset[str]] = {
    Action.UPLOAD: frozenset({"upload"}),
    Action.TRAIN: frozenset({"train", WITHDRAW}),
    Action.EXPORT: frozenset({"export"}),
    Action.DEPLOY: frozenset({"deploy"}),
    Action.SCALE: frozenset({"scale"}),
    Action.REPLACE: frozenset({"deploy", "delete"}),
    Action.DELETE: frozenset({"delete"}),
    Action.CANCEL: frozenset({"cancel", "delete", WITHDRAW}),
    Action.MOVE: frozenset({"move"}),
    Action.PROTECT: frozenset({"record"}),
    Action.UNPROTECT: frozenset({"record"}),
}


_ON_REMOTE = frozenset({"delete", "cancel"})  # what they end has to be what was shown


@dataclass(frozen=True)
class Approval:
    """The steps of one plan that somebody said yes to."""

    steps: dict[Address, Step]

    @classmethod
    def of(cls, plan: Plan) -> "Approval":
        return cls({step.address: step for step in plan.steps if not step.settled})

    def covers(self, step: Step) -> bool:
        """The step was in the plan: same resource, same action, same values, and it was not blocked."""
        approved = self.steps.get(step.address)
        if approved is None or step.effect is None:
            return False
        if approved.action is not step.action and step.effect.verb != WITHDRAW and not _ends(approved, step):
            return False
        if approved.when is When.BLOCKED or step.effect.verb not in _VERBS.get(approved.action, frozenset()):
            return False
        if step.effect.verb in _ON_REMOTE and approved.remote_id not in (None, step.remote_id):
            return False
        expected = {change.path: change for change in approved.changes}
        return all(_expected(change, expected.get(change.path)) for change in step.changes)


def _ends(approved: Step, step: Step) -> bool:
    """What is to go is canceled first where it trains, and the plan says so."""
    return (approved.action, step.action) == (Action.CANCEL, Action.DELETE)


def _expected(change: Change, approved: Change | None) -> bool:
    """A value that was to be known later may be anything; every other one must have been shown, as it is."""
    if approved is None:
        return False
    return approved.known_after is not None or approved.after == change.after
