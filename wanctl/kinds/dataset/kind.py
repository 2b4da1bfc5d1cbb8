"""The Dataset, as the engine sees it: a file that is named after its content."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from wanctl.address import Address, Kind
from wanctl.dataset.contents import parse_upload_name
from wanctl.kinds.context import Context, Planned, ProvidedDataset
from wanctl.kinds.dataset.case import FIELDS, DeleteFile
from wanctl.kinds.dataset.planning import plan_dataset, without_needless_upload
from wanctl.kinds.kind import Cadence, OrphanToDelete, OutputWords, Pruning, Reader, ResourceKind
from wanctl.kinds.snapshot import Listing, Question, Read, Snapshot
from wanctl.language.resources import DOCUMENTS, Resource
from wanctl.language.source import OssFolder
from wanctl.plan import Orphan, Step, When
from wanctl.studio.objects import IN_OSS, Job

if TYPE_CHECKING:
    from wanctl.kinds.importing import Writing


class DatasetKind(ResourceKind):
    """Uploaded once for each content; kept when its document is gone."""

    kind = Kind.DATASET
    document = DOCUMENTS[kind]
    fields = FIELDS
    cadence = Cadence(2, 5)
    polling = "files"
    output = OutputWords("file_id", "is not uploaded")
    untold = "which contents are uploaded already"
    reads: ClassVar[Mapping[str, Reader]] = {Read.FILE: lambda studio, remote_id: studio.files.get(remote_id)}
    listing = Listing.FILES
    forgotten_when_gone = True
    unread_content = True

    def plan(self, resource: Resource, context: Context) -> Planned:
        return plan_dataset(resource, context)

    def reconsidered(self, address: Address, planned: Planned, context: Context) -> Planned:
        return without_needless_upload(address, planned, context)

    def watched(self, step: Step) -> tuple[Question, ...]:
        return (Question(Read.FILE, step.remote_id),) if step.remote_id else ()

    def orphans(self, context: Context, used: Collection[str | None]) -> Iterable[Orphan]:
        provided = (planned.provided for planned in context.planned.values())
        used = {*used, *(one.file_id for one in provided if isinstance(one, ProvidedDataset))}
        for (owner, _), held in context.snapshot.files_by_content.items():
            for file in held:
                if owner == context.project and file.id not in used:
                    created = datetime.fromtimestamp(file.created_at, UTC) if file.created_at else None
                    yield Orphan(self.kind, file.id, file.filename, created=created)

    def standing(self, snapshot: Snapshot) -> Collection[str]:
        return snapshot.file_by_id

    def former_name(self, snapshot: Snapshot, remote_id: str) -> str | None:
        file = snapshot.file_by_id.get(remote_id)
        named = parse_upload_name(file.filename) if file else None
        return named.name if named else None

    def prune(self, one: OrphanToDelete, pruning: Pruning) -> Step:
        file = pruning.context.snapshot.file_by_id.get(one.remote_id)
        if file is None:
            return one.gone()
        if not pruning.is_orphan(one):
            return one.no_orphan()
        readers = [job for job in pruning.context.snapshot.jobs if _reads(job, one, pruning)]
        staying = [job.job_id for job in readers if Address.finetune(job.job_id) not in pruning.to_delete]
        if staying:
            return one.kept(f"{', '.join(staying)} may still be reading it")
        return one.deletion(
            When.LATER if readers else When.NOW,
            f"{one.why}; {file.filename}",
            after=tuple(Address.finetune(job.job_id) for job in readers),
            warning="a deleted file cannot be brought back",
            effect=None if readers else DeleteFile(one.address, one.remote_id),
        )

    def instead_of_adoption(self, remote_id: str) -> str:
        return f"write source: {{file_id: {remote_id}}} in its document to use an uploaded file"


def _reads(job: Job, file: OrphanToDelete, pruning: Pruning) -> bool:
    """It trains on it, or may; or it is to be deleted too, and then goes before what it was made from."""
    named = (*job.training_file_ids, *job.validation_file_ids)
    to_delete = pruning.to_delete.get(Address.finetune(job.job_id))
    if job.in_flight:
        return not named or file.remote_id in named
    return bool(to_delete and not to_delete.in_flight and file.remote_id in named)


def write_dataset(writing: "Writing", file_id: str) -> str | None:
    """The name of the Dataset that stands for an uploaded file, written if there is none yet."""
    known = writing.names[Kind.DATASET]
    if file_id not in known and file_id.startswith(IN_OSS):
        folder = OssFolder.written(file_id)
        address = writing.address(Kind.DATASET, folder["path"].rpartition("/")[2] or folder["bucket"])
        writing.write(address, file_id, {"source": {"oss": folder}}, ())
    file = writing.inventory.snapshot.file_by_id.get(file_id)
    if file_id not in known and file:
        ours = parse_upload_name(file.filename)
        wished = ours.name if ours else file.filename.rpartition(".")[0] or file_id
        fields: dict[str, Any] = {"source": {"file_id": file_id}}
        remarks = (f"{file.filename}, {file.bytes or '?'} bytes",)
        writing.write(writing.address(Kind.DATASET, wished), file_id, fields, remarks)
    return known.get(file_id)
