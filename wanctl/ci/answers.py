"""A plan in single words, for a forge's labels and for the later steps of a pipeline."""

from wanctl.address import Address
from wanctl.plan import Action, Plan, When
from wanctl.render.made import Checked, Made
from wanctl.render.summary import impact_of

_ACTING = frozenset({When.NOW, When.LATER})


def labels_of(made: Made) -> frozenset[str]:
    """The short names of the labels that a plan asks for."""
    if not isinstance(made, Plan):
        return frozenset()
    risk = impact_of(made)
    wanted = {
        "changes": changes(made),
        "billed": bool(risk.billed),
        "deletes": bool(risk.lost),
        "waiting": waits(made),
    }
    return frozenset(short for short, holds in wanted.items() if holds)


def changes(made: Made) -> bool:
    """Something would be called, now or after something else."""
    return isinstance(made, Plan) and any(
        step.when in _ACTING and step.action is not Action.CHOOSE for step in made.steps
    )


def waits(made: Made) -> bool:
    """A person has to act now."""
    return isinstance(made, Plan) and any(step.when is When.PERSON and not step.after for step in made.steps)


def choices(plan: Plan) -> tuple[Address, ...]:
    """The Checkpoints that a person can choose now."""
    return tuple(
        step.address
        for step in plan.steps
        if step.action is Action.CHOOSE and step.when is When.PERSON and not step.after
    )


def outputs_of(made: Made, plan_file: str | None) -> dict[str, str]:
    """What later steps of a pipeline can ask about; every value is one line."""
    status = "valid" if isinstance(made, Checked) else "error"
    return {
        "status": made.status.value if isinstance(made, Plan) else status,
        "digest": made.digest if isinstance(made, Plan) else "",
        "changes": str(changes(made)).lower(),
        "waiting": str(waits(made)).lower(),
        "plan": plan_file or "",
    }
