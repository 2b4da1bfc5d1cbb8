"""A job that a person says is a FineTune's: what is checked of it, and what has to be trusted."""

from wanctl.dataset.contents import parse_upload_name
from wanctl.kinds.context import Context
from wanctl.kinds.finetune.evidence import Wanted, contradicted
from wanctl.kinds.finetune.inputs import job_inputs, sent_parameters, wanted_job
from wanctl.kinds.kind import Adopting, AdoptionRefused
from wanctl.language.models import FineTune
from wanctl.ledger.record import Generation
from wanctl.studio.objects import Job


async def adopt_job(adopting: Adopting, spec: FineTune) -> tuple[Generation, str]:
    """Check that the job can be this training; the sentence says what is trusted."""
    address, context, job_id = adopting.resource.address, adopting.context, adopting.remote_id
    job = await adopting.studio.jobs.get(job_id)
    wanted = wanted_job(address, spec, context)
    if wanted is None:
        raise AdoptionRefused(f"the datasets of {address} cannot be read, so its inputs are unknown")
    base = job.model or job.base_model
    if base and base != spec.model:
        raise AdoptionRefused(f"{job_id} trains {base}, and {address} wants {spec.model}")
    if other := contradicted(wanted.declared, job.hyper_parameters):
        raise AdoptionRefused(
            f"{job_id} was made with other hyper-parameters than {address} declares: "
            + ", ".join(
                f"{key} {job.hyper_parameters[key]} (declared {wanted.declared[key]})" for key in other
            )
        )
    if files := _other_files(job, wanted, context):
        raise AdoptionRefused(f"{job_id} was trained on other content than {address} wants: {files}")
    sentence = f"{job_id} ({job.status}) stands for {address} from now on"
    if unseen := _unseen(job, spec, context):
        sentence += f"; {unseen}"
    return adopting.generation(wanted.identity, job_inputs(wanted, context)), sentence


def _other_files(job: Job, wanted: Wanted, context: Context) -> str:
    """Files that it read and that surely hold something else: their names carry their content's digest."""
    wants = {*wanted.training, *wanted.validation}
    digests = {content[:16] for content in wants}
    known = context.snapshot.file_by_id
    read = [known[one] for one in (*job.training_file_ids, *job.validation_file_ids) if one in known]
    other = [
        file.filename
        for file in read
        if (name := parse_upload_name(file.filename))
        and name.digest16 not in digests
        and f"file:{file.id}" not in wants
    ]
    return ", ".join(other)


def _unseen(job: Job, spec: FineTune, context: Context) -> str:
    """What differs from a training that would be started now without being declared, and what is not told."""
    sent = sent_parameters(spec, context)
    declared = spec.hyper_parameters.declared()
    differing = [key for key in contradicted(sent, job.hyper_parameters) if key not in declared]
    untold = [key for key in declared if key not in job.hyper_parameters]
    said = [] if job.model or job.base_model else ["which model it trains is not told"]
    if differing:
        said.append("made with " + ", ".join(f"{key} {job.hyper_parameters[key]}" for key in differing))
        said[-1] += ", where a new training would have " + ", ".join(str(sent[key]) for key in differing)
    if untold:
        said.append(f"trusted, unseen: {', '.join(untold)}")
    if not job.training_file_ids:
        said.append("which files it read is not told")
    return "; ".join(said)
