"""Jobs that are there already: adopted for a document, or written as documents.

Where the service does not tell an input, a remark says so and a person decides.
"""

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError

from wanctl.address import Address, Kind
from wanctl.catalogue.base_models import HyperParameters
from wanctl.dataset.contents import parse_upload_name
from wanctl.kinds.dataset.kind import write_dataset
from wanctl.kinds.finetune.case import TrainingCase
from wanctl.kinds.finetune.evidence import contradicted
from wanctl.kinds.importing import UNREADABLE, Inventory, Writing
from wanctl.kinds.kind import Adopting, AdoptionRefused
from wanctl.kinds.snapshot import Question, Read, parse_job_name, resource_in_job_name
from wanctl.language.models import FineTune
from wanctl.ledger.record import Generation
from wanctl.studio.objects import CheckpointRow, CheckpointStatus, Job

TASK_TYPE = "task_type"
_SPLIT = ("split", "max_split_val_dataset_sample")  # idle where validation sets are given


async def adopt_job(adopting: Adopting) -> tuple[Generation, str]:
    """Check that the job can be this training; the sentence says what is trusted."""
    case, job_id = TrainingCase(adopting.resource, adopting.context), adopting.remote_id
    job = await adopting.studio.jobs.get(job_id)
    if case.unread:
        raise AdoptionRefused(f"the datasets of {case.address} cannot be read, so its inputs are unknown")
    base = job.model or job.base_model
    if base and base != case.spec.model:
        raise AdoptionRefused(f"{job_id} trains {base}, and {case.address} wants {case.spec.model}")
    if other := contradicted(case.declared, job.hyper_parameters):
        raise AdoptionRefused(
            f"{job_id} was made with other hyper-parameters than {case.address} declares: "
            + ", ".join(f"{key} {job.hyper_parameters[key]} (declared {case.declared[key]})" for key in other)
        )
    if files := _other_files(case, job):
        raise AdoptionRefused(f"{job_id} was trained on other content than {case.address} wants: {files}")
    sentence = f"{job_id} ({job.status}) stands for {case.address} from now on"
    if unseen := _unseen(case, job):
        sentence += f"; {unseen}"
    return adopting.generation(case.identity, case.inputs), sentence


def _other_files(case: TrainingCase, job: Job) -> str:
    """Files that it read and that surely hold something else: their names carry their content's digest."""
    wants = {*case.training, *case.validation}
    digests = {content[:16] for content in wants}
    known = case.context.snapshot.file_by_id
    read = [known[one] for one in (*job.training_file_ids, *job.validation_file_ids) if one in known]
    other = [
        file.filename
        for file in read
        if (name := parse_upload_name(file.filename))
        and name.digest16 not in digests
        and f"file:{file.id}" not in wants
    ]
    return ", ".join(other)


def _unseen(case: TrainingCase, job: Job) -> str:
    """Undeclared differences from a training that would start now, and what the service does not tell."""
    sent = case.sent_parameters
    differing = [key for key in contradicted(sent, job.hyper_parameters) if key not in case.declared]
    untold = [key for key in case.declared if key not in job.hyper_parameters]
    said = [] if job.model or job.base_model else ["which model it trains is not told"]
    if differing:
        said.append("made with " + ", ".join(f"{key} {job.hyper_parameters[key]}" for key in differing))
        said[-1] += ", where a new training would have " + ", ".join(str(sent[key]) for key in differing)
    if untold:
        said.append(f"trusted, unseen: {', '.join(untold)}")
    if not job.training_file_ids:
        said.append("which files it read is not told")
    return "; ".join(said)


# Documents


def new_jobs(inventory: Inventory) -> list[Job]:
    """Live jobs of known models that no spec stands for; what serves comes first, for of two jobs that a spec
    cannot tell apart it is the one to have."""
    known = inventory.desired.catalogue.base_model
    live = inventory.snapshot.deployments
    serving = {
        job.job_id for one in live if not one.gone and (job := job_of(inventory, one.model_name or ""))
    }
    ordered = sorted(
        inventory.snapshot.jobs, key=lambda job: (job.job_id not in serving, str(job.create_time), job.job_id)
    )
    return [
        job
        for job in ordered
        if job.live
        and not inventory.taken(Kind.FINETUNE, job.job_id)
        and known(job.model or job.base_model or "")
    ]


def job_of(inventory: Inventory, model_name: str) -> Job | None:
    """The job that gave this model, by the model's name: its output, or that and what tells an export."""
    name = model_name
    while name:
        if job := inventory.snapshot.job_by_output.get(name):
            return job
        name = name.rpartition("-")[0]
    return None


def project_of(job: Job | None) -> str | None:
    """Whose it is, by its name."""
    named = parse_job_name(job) if job else None
    return named[0] if named else None


def exported_rows(inventory: Inventory, job_id: str) -> Iterator[CheckpointRow]:
    for row in inventory.in_full(Read.CHECKPOINTS, job_id) or ():
        if row.model_name and row.status == CheckpointStatus.SUCCEEDED:
            yield row


def questions_about(job: Job) -> Iterator[Question]:
    """The reads of a job that come before its document is written."""
    yield Question(Read.JOB, job.job_id)
    if job.succeeded:
        yield Question(Read.CHECKPOINTS, job.job_id)


def write_job(writing: Writing, listed: Job) -> str | None:
    """The name of the FineTune that stands for a job, written if there is none yet."""
    known = writing.names[Kind.FINETUNE]
    if listed.job_id not in known and writing.inventory.desired.trainer is None:
        asked = writing.inventory.in_full(Read.JOB, listed.job_id)
        _write(writing, asked if isinstance(asked, Job) else listed)
    return known.get(listed.job_id)


def _write(writing: Writing, job: Job) -> None:
    own = job.job_name if job.job_name != job.job_id else None
    address = writing.address(Kind.FINETUNE, resource_in_job_name(job) or own or job.job_id)
    training = [write_dataset(writing, file_id) for file_id in dict.fromkeys(job.training_file_ids)]
    validation = [write_dataset(writing, file_id) for file_id in dict.fromkeys(job.validation_file_ids)]
    base = writing.inventory.desired.catalogue.base_model(job.model or job.base_model or "")
    parameters, unread = _parameters(job, base.hyper_parameters if base else ())
    fields: dict[str, Any] = {"model": job.model or job.base_model, "training": training}
    if validation:
        fields["validation"] = validation
    if parameters:
        fields["hyper_parameters"] = parameters
    remarks = [f"{job.job_id}, {job.status}, made {job.create_time or 'at an unknown time'}"]
    if len(set(job.training_file_ids)) < len(job.training_file_ids):
        remarks.append("it reads a file twice, which a spec cannot say: each is written once")
    if unread:
        remarks.append(f"{UNREADABLE}: {', '.join(unread)}")
    if not training or None in training or None in validation:
        missing = "the files that it was trained on are not in the account any more"
        remarks.append(missing if training else f"{UNREADABLE}: which files it was trained on")
        remarks += ["write its datasets, uncomment, and then:", f"  wanctl adopt {address} {job.job_id}"]
        fields |= {"training": [name for name in training if name]}
        writing.propose(address, job.job_id, fields, tuple(remarks))
        return
    if twin := _twin(writing, address, fields):
        remarks.append(f"as far as the service tells, {twin} has the same inputs: specs cannot have both")
        writing.propose(address, job.job_id, fields, tuple(remarks))
        return
    writing.write(address, job.job_id, fields, tuple(remarks), adopt=True)


def _twin(writing: Writing, address: Address, fields: dict[str, Any]) -> Address | None:
    """Another FineTune with the very inputs of this one."""
    try:
        spec = FineTune.model_validate({"name": address.name, **fields})
    except ValidationError:
        return None  # it is not written either
    first = writing.first_like(declared_inputs(spec), address)
    return first if first != address else None


def declared_inputs(spec: FineTune) -> object:
    """The inputs of a training, as far as a spec tells them: nothing else tells two jobs apart."""
    declared = tuple(spec.hyper_parameters.declared().items())
    return spec.model, frozenset(spec.training_sets), frozenset(spec.validation_sets), declared


def _parameters(job: Job, known: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """The hyper-parameters that the service tells, and the names of those that it does not; of the ones that
    only some models have, those that are `known` of this one."""
    given: dict[str, Any] = {}
    unread = []
    for key in HyperParameters.model_fields:
        if key in _SPLIT and job.validation_file_ids:
            continue
        told = job.hyper_parameters.get(key)
        value = told if key == TASK_TYPE else _number(told)
        try:
            HyperParameters.model_validate({key: value})
        except ValidationError:
            value = None
        if value is not None:
            given[key] = value
        elif key != TASK_TYPE or key in known:
            unread.append(key)
    return given, unread


def _number(value: Any) -> int | float | None:
    """A number however it is spelled."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else number
