"""The Checkpoint, as the engine sees it: a choice, and its export, which nobody can take back."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from wanctl.address import Kind
from wanctl.kinds.checkpoint.case import FIELDS
from wanctl.kinds.checkpoint.planning import plan_checkpoint
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.kind import Cadence, OutputWords, Reader, ResourceKind
from wanctl.kinds.snapshot import Question, Read
from wanctl.language.resources import DOCUMENTS, Resource, Spec
from wanctl.ledger.record import Generation
from wanctl.plan import Step
from wanctl.studio.objects import CheckpointRow, Job

if TYPE_CHECKING:
    from wanctl.kinds.importing import Importable, Inventory, Writing


class CheckpointKind(ResourceKind):
    """Exported once; the export stays at the service."""

    kind = Kind.CHECKPOINT
    document = DOCUMENTS[kind]
    fields = FIELDS
    cadence = Cadence(5, 15)
    polling = "exports"
    output = OutputWords("model_name", "is not exported")
    untold = "which checkpoints and previews there are to choose from"
    reads: ClassVar[Mapping[str, Reader]] = {
        Read.CHECKPOINTS: lambda studio, remote_id: studio.checkpoints.list(remote_id)
    }
    choice = "checkpoint"
    why_never_pruned = "an exported checkpoint can be removed in the console only"

    def plan(self, resource: Resource, context: Context) -> Planned:
        return plan_checkpoint(resource, context)

    def watched(self, step: Step) -> tuple[Question, ...]:
        return (Question(Read.CHECKPOINTS, step.remote_id.partition("/")[0]),) if step.remote_id else ()

    def as_chosen(self, spec: Spec, choice: str) -> Spec | None:
        return spec.model_copy(
            update={"checkpoint": choice, "of": None, "unseen": "allow", "evidence": None, "attempt": 1}
        )

    def comes_from(self, made: Generation, upstream: Generation) -> bool:
        return made.identity.startswith(f"{upstream.remote_id}/")

    def instead_of_adoption(self, remote_id: str) -> str:
        return "an exported checkpoint is found by its job and name, without adoption"

    def importable(self, inventory: "Inventory") -> "Iterable[Importable]":
        from wanctl.kinds.finetune.importing import exported_rows, new_jobs, project_of
        from wanctl.kinds.importing import Importable

        for job in new_jobs(inventory):
            for row in exported_rows(inventory, job.job_id):
                if row.model_name and row.model_name != job.finetuned_output:
                    write = partial(write_checkpoint, job=job, row=row)
                    yield Importable(row.model_name, write, project_of(job), beside=job.job_id)


def write_checkpoint(writing: "Writing", job: Job, row: CheckpointRow) -> str | None:
    """The name of the Checkpoint that stands for an export, written if there is none yet."""
    from wanctl.kinds.finetune.importing import write_job

    assert row.model_name is not None  # noqa: S101 - it is exported
    known = writing.names[Kind.CHECKPOINT]
    finetune = write_job(writing, job)
    if row.model_name not in known and finetune and writing.inventory.desired.trainer is None:
        address = writing.address(Kind.CHECKPOINT, f"{finetune}-{row.checkpoint.rpartition('-')[2]}")
        fields = {"finetune": finetune, "checkpoint": row.checkpoint}
        writing.write(address, row.model_name, fields, (f"exported as {row.model_name}",))
    return known.get(row.model_name)
