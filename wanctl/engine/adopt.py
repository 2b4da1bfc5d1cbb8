"""Bind a live object to a resource because a person says so, after checking that it can be what they say."""

from collections.abc import Mapping
from typing import Any

from wanctl.address import Address, Kind
from wanctl.dataset.naming import parse_upload_name
from wanctl.engine.planner import SETTLE_TIME
from wanctl.engine.session import RunSession
from wanctl.kinds import PLANNERS
from wanctl.kinds.context import Context
from wanctl.kinds.deployment.deploying import Deploy, config_identity
from wanctl.kinds.deployment.echoed_config import differences, echoed_config
from wanctl.kinds.deployment.serving import upstream_of
from wanctl.kinds.finetune.evidence import Wanted, contradicted
from wanctl.kinds.finetune.inputs import job_inputs, sent_parameters, wanted_job
from wanctl.kinds.moving import moves_of
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.models import Deployment, FineTune
from wanctl.language.naming import near_miss
from wanctl.language.resources import Resource
from wanctl.ledger.record import Entry, Generation, Verb
from wanctl.studio.objects import Deployment as LiveDeployment
from wanctl.studio.objects import Job


class AdoptionRefused(Exception):  # noqa: N818 - reads as what happened
    """The object cannot be this resource; nothing was written."""


async def adopt(session: RunSession, address: Address, remote_id: str) -> str:
    """Write the binding into the ledger; the sentence says what is trusted from now on."""
    context, resource = await _context(session, address)
    return await _bind(session, context, resource, remote_id)


async def adopt_all(session: RunSession, adoptions: Mapping[Address, str]) -> list[str]:
    """Several at once, from one look at the account; the sentences say what is trusted."""
    sentences: list[str] = []
    for address, remote_id in adoptions.items():
        context, resource = await _context(session, address, look=not sentences)
        sentences.append(await _bind(session, context, resource, remote_id))
    return sentences


async def _bind(session: RunSession, context: Context, resource: Resource, remote_id: str) -> str:
    """Check that the object can be the resource, and write it down."""
    address = resource.address
    _refuse_claimed(session, address, remote_id)
    if isinstance(resource.spec, FineTune):
        generation, sentence = await _adopt_job(session, resource, resource.spec, remote_id, context)
    elif isinstance(resource.spec, Deployment):
        generation, sentence = await _adopt_deployment(session, resource, resource.spec, remote_id, context)
    else:
        hint = (
            f"write source: {{file_id: {remote_id}}} in its document to use an uploaded file"
            if address.kind == "Dataset"
            else "an exported checkpoint is found by its job and name, without adoption"
        )
        raise AdoptionRefused(f"a {address.kind} is not adopted: {hint}")
    entry = session.journal.record.entry(address)
    disowned = tuple(one for one in entry.disowned if one != remote_id)
    entry = entry.model_copy(update={"disowned": disowned})
    if address.kind is Kind.DEPLOYMENT:  # the one before is ours to delete, once this one serves
        bound = Deploy.succeeded(entry, generation, entry.protected)
    else:
        bound = entry.with_current(generation)
    await session.journal.note(address, Verb.ADOPT, bound, remote_id, sentence)
    return sentence


async def disown(session: RunSession, address: Address, remote_id: str) -> str:
    """Remember that this object is not the resource, however much it looks like it."""
    if address not in session.desired.resources:
        raise AdoptionRefused(f"the specs hold no {address}{near_miss(address, session.desired.resources)}")
    entry: Entry = session.journal.record.entry(address)
    if entry.current and entry.current.remote_id == remote_id:
        raise AdoptionRefused(
            f"the ledger says that wanctl made {remote_id} for {address}; it cannot be a stranger"
        )
    if remote_id not in entry.disowned:
        entry = entry.model_copy(update={"disowned": (*entry.disowned, remote_id)})
    sentence = f"{remote_id} is not {address}, and will not be taken for it"
    await session.journal.note(address, Verb.DISOWN, entry, remote_id, sentence)
    return sentence


def _refuse_claimed(session: RunSession, address: Address, remote_id: str) -> None:
    """Two documents for one object: the end of the one would be the end of the other."""
    record = session.journal.record
    if old := moves_of(session.desired, record).pending.get(address):
        raise AdoptionRefused(f"{address} is about to take over the record of {old}: wanctl apply does that")
    for text, entry in record.entries.items():
        other = Address.parse(text)
        standing = (*((entry.current,) if entry.current else ()), *entry.retiring)
        held = any(one.remote_id == remote_id for one in standing) and other != address
        if held and other.kind is not address.kind:
            raise AdoptionRefused(f"{remote_id} is {other} by the ledger, and no {address.kind}")
        if held and other.kind is Kind.FINETUNE and other in session.desired.resources:
            hint = "one job stands for one document; let both uses refer to that"
            raise AdoptionRefused(f"{remote_id} is {other} by the ledger; {hint}")
        if held and other.kind is Kind.DEPLOYMENT:
            hint = f"if it has another name now, write moved_from: {other.name} in the document of {address}"
            raise AdoptionRefused(f"{remote_id} is {other} by the ledger; {hint}")


async def _context(session: RunSession, address: Address, *, look: bool = True) -> tuple[Context, Resource]:
    resource = session.desired.resources.get(address)
    if resource is None:
        near = near_miss(address, session.desired.resources)
        raise AdoptionRefused(f"the specs hold no {address}; write its document first{near}")
    if look or session.snapshot is None:
        await session.survey()
    else:
        await session.settle(session.snapshot)  # what was adopted before raises questions of its own
    snapshot = session.snapshot
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - a survey leaves one
    context = Context(session.desired, snapshot, session.journal.record, session.local, SETTLE_TIME)
    for each, other in session.desired.resources.items():
        context.planned[each] = PLANNERS[each.kind](other, context)
    return context, resource


async def _adopt_job(
    session: RunSession, resource: Resource, spec: FineTune, job_id: str, context: Context
) -> tuple[Generation, str]:
    job = await session.studio.jobs.get(job_id)
    wanted = wanted_job(resource.address, spec, context)
    if wanted is None:
        raise AdoptionRefused(f"the datasets of {resource.address} cannot be read, so its inputs are unknown")
    base = job.model or job.base_model
    if base and base != spec.model:
        raise AdoptionRefused(f"{job_id} trains {base}, and {resource.address} wants {spec.model}")
    if other := contradicted(wanted.declared, job.hyper_parameters):
        raise AdoptionRefused(
            f"{job_id} was made with other hyper-parameters than {resource.address} declares: "
            + ", ".join(
                f"{key} {job.hyper_parameters[key]} (declared {wanted.declared[key]})" for key in other
            )
        )
    if files := _other_files(job, wanted, context):
        raise AdoptionRefused(f"{job_id} was trained on other content than {resource.address} wants: {files}")
    inputs = job_inputs(wanted, context)
    sentence = f"{job_id} ({job.status}) stands for {resource.address} from now on"
    if unseen := _unseen(job, spec, context):
        sentence += f"; {unseen}"
    return _adopted(job_id, wanted.identity, inputs, session), sentence


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


async def _adopt_deployment(
    session: RunSession, resource: Resource, spec: Deployment, deployed_model: str, context: Context
) -> tuple[Generation, str]:
    live = await session.studio.deployments.get(deployed_model)
    upstream = upstream_of(spec)
    model_name = context.outcome(upstream).model_name if upstream else spec.model_name
    if model_name is None:
        raise AdoptionRefused(f"the model that {resource.address} is to serve is not there yet")
    if live.model_name and live.model_name != model_name:
        raise AdoptionRefused(
            f"{deployed_model} serves {live.model_name}, and {resource.address} wants {model_name}"
        )
    told, written = echoed_config(live), None if spec.aigc_config.unknown else spec.aigc_config.sent()
    differs = told is not None and (written is None or differences(told, written))
    sent = {
        "model_name": model_name,
        "capacity": spec.capacity if live.capacity is None else live.capacity,
        "aigc_config": told if told is not None and differs else written,
        "suffix": _suffix_of(live),
        "attempt": spec.attempt,
    }
    sentence = _said_of_config(resource, deployed_model, told, written)
    adopted = _adopted(deployed_model, config_identity(sent), sent, session)
    return adopted.model_copy(update={"created": live.gmt_create}), sentence


def _said_of_config(
    resource: Resource, deployed_model: str, told: Mapping[str, Any] | None, written: Mapping[str, Any] | None
) -> str:
    """What was compared, and what a person has to answer for."""
    name, bound = deployed_model, f"{deployed_model} stands for {resource.address} from now on"
    if told is None and written is None:
        return f"{bound}; its aigc_config stays unknown"
    if told is None or written is None:
        unseen = f"{name} is trusted to have the aigc_config of {resource.address}, unseen"
        return unseen if told is None else f"{bound}, with the aigc_config that it tells"
    if other := differences(told, written):
        return (
            f"{bound}, and serves with another aigc_config: {'; '.join(other)}. "
            "The next plan replaces it, unless the spec is made to say what serves"
        )
    return f"{bound}, and tells the very aigc_config of the spec"


def _suffix_of(live: LiveDeployment) -> str | None:
    """What its name has beyond its model's, if that is how it is made up."""
    plain = f"{live.model_name}-"
    return live.deployed_model.removeprefix(plain) if live.deployed_model.startswith(plain) else None


def _adopted(remote_id: str, identity: str, inputs: dict[str, Any], session: RunSession) -> Generation:
    now = session.clock.now()
    return Generation(remote_id=remote_id, identity=identity, inputs=inputs, since=now, adopted=True)
