"""The things that wanctl keeps, one folder each. A fifth kind is one more folder and one more line here."""

from collections.abc import Callable

from wanctl.address import Kind
from wanctl.kinds.checkpoint.planning import plan_checkpoint
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.dataset.planning import plan_dataset
from wanctl.kinds.deployment.planning import plan_deployment
from wanctl.kinds.finetune.planning import plan_finetune
from wanctl.kinds.finetune.training import unless_refused
from wanctl.kinds.snapshot import Question, Read
from wanctl.language.resources import Resource
from wanctl.plan import Step

PLANNERS: dict[Kind, Callable[[Resource, Context], Planned]] = {
    Kind.DATASET: plan_dataset,
    Kind.FINETUNE: unless_refused(plan_finetune),
    Kind.CHECKPOINT: plan_checkpoint,
    Kind.DEPLOYMENT: plan_deployment,
}


def in_flight(step: Step) -> tuple[Question, ...]:
    """What is read again, and nothing else, while this step waits on the service."""
    if step.remote_id is None:
        return ()
    return {
        Kind.DATASET: (Question(Read.FILE, step.remote_id),),
        Kind.FINETUNE: (Question(Read.JOB, step.remote_id), Question(Read.LOGS, step.remote_id)),
        Kind.CHECKPOINT: (Question(Read.CHECKPOINTS, step.remote_id.partition("/")[0]),),
        Kind.DEPLOYMENT: (Question(Read.DEPLOYMENT, step.remote_id),),
    }[step.address.kind]
