"""What a person approved, and whether a step is in it. Nothing runs that the approved plan does not hold."""

from dataclasses import dataclass

from wanctl.address import Address
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Change, Plan, Step, When

# Approving one training is approving to take a second one of it back.
_VERBS: dict[Action, frozenset[Verb]] = {
    Action.UPLOAD: frozenset({Verb.UPLOAD}),
    Action.TRAIN: frozenset({Verb.TRAIN, Verb.WITHDRAW}),
    Action.EXPORT: frozenset({Verb.EXPORT}),
    Action.DEPLOY: frozenset({Verb.DEPLOY}),
    Action.SCALE: frozenset({Verb.SCALE}),
    Action.REPLACE: frozenset({Verb.DEPLOY, Verb.DELETE}),
    Action.DELETE: frozenset({Verb.DELETE}),
    Action.CANCEL: frozenset({Verb.CANCEL, Verb.DELETE, Verb.WITHDRAW}),
    Action.MOVE: frozenset({Verb.MOVE}),
    Action.PROTECT: frozenset({Verb.RECORD}),
    Action.UNPROTECT: frozenset({Verb.RECORD}),
}


_ON_REMOTE = frozenset({Verb.DELETE, Verb.CANCEL})  # what they end has to be what was shown


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
        if (
            approved.action is not step.action
            and step.effect.verb != Verb.WITHDRAW
            and not _ends(approved, step)
        ):
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
