"""Bind a live object to a resource because a person says so, after checking that it can be what they say."""

from collections.abc import Mapping
from typing import Any

from wanctl.engine.converge import Desk
from wanctl.engine.planner import SETTLE_TIME
from wanctl.kinds import PLANNERS
from wanctl.kinds.deploying import Deploy, config_identity
from wanctl.kinds.evidence import contradicted
from wanctl.kinds.job_inputs import job_inputs, wanted_job
from wanctl.kinds.moving import moves_of
from wanctl.kinds.serving import upstream_of
from wanctl.kinds.world import Context, Snapshot
from wanctl.ledger.record import Entry, Generation
from wanctl.spec.models import Deployment, FineTune
from wanctl.spec.resources import Address, Kind, Resource
from wanctl.studio.objects import Deployment as LiveDeployment


class AdoptionRefused(Exception):  # noqa: N818 - reads as what happened
    """The object cannot be this resource; nothing was written."""


async def adopt(desk: Desk, address: Address, remote_id: str) -> str:
    """Write the binding into the ledger; the sentence says what is trusted from now on."""
    context, resource = await _context(desk, address)
    return await _bind(desk, context, resource, remote_id)


async def adopt_all(desk: Desk, adoptions: Mapping[Address, str]) -> list[str]:
    """Several at once, from one look at the account; the sentences say what is trusted."""
    sentences: list[str] = []
    for address, remote_id in adoptions.items():
        context, resource = await _context(desk, address, look=not sentences)
        sentences.append(await _bind(desk, context, resource, remote_id))
    return sentences


async def _bind(desk: Desk, context: Context, resource: Resource, remote_id: str) -> str:
    """Check that the object can be the resource, and write it down."""
    address = resource.address
    _refuse_claimed(desk, address, remote_id)
    if isinstance(resource.spec, FineTune):
        generation, sentence = await _adopt_job(desk, resource, resource.spec, remote_id, context)
    elif isinstance(resource.spec, Deployment):
        generation, sentence = await _adopt_deployment(desk, resource, resource.spec, remote_id, context)
    else:
        hint = (
            f"write source: {{file_id: {remote_id}}} in its document to use an uploaded file"
            if address.kind == "Dataset"
            else "an exported checkpoint is found by its job and name, without adoption"
        )
        raise AdoptionRefused(f"a {address.kind} is not adopted: {hint}")
    entry = desk.book.record.entry(address)
    strangers = tuple(one for one in entry.strangers if one != remote_id)
    entry = entry.model_copy(update={"strangers": strangers})
    if address.kind is Kind.DEPLOYMENT:  # the one before is ours to delete, once this one serves
        bound = Deploy.landed(entry, generation, entry.protected)
    else:
        bound = entry.with_current(generation)
    await desk.book.note(address, "adopt", bound, remote_id, sentence)
    return sentence


async def disown(desk: Desk, address: Address, remote_id: str) -> str:
    """Remember that this object is not the resource, however much it looks like it."""
    if address not in desk.desired.resources:
        raise AdoptionRefused(f"the specs hold no {address}")
    entry: Entry = desk.book.record.entry(address)
    if entry.current and entry.current.remote_id == remote_id:
        raise AdoptionRefused(
            f"the ledger says that wanctl made {remote_id} for {address}; it cannot be a stranger"
        )
    if remote_id not in entry.strangers:
        entry = entry.model_copy(update={"strangers": (*entry.strangers, remote_id)})
    sentence = f"{remote_id} is not {address}, and will not be taken for it"
    await desk.book.note(address, "disown", entry, remote_id, sentence)
    return sentence


def _refuse_claimed(desk: Desk, address: Address, remote_id: str) -> None:
    """Two names for one deployment: the end of the one would be the end of the other."""
    record = desk.book.record
    if old := moves_of(desk.desired, record).pending.get(address):
        raise AdoptionRefused(f"{address} is about to take over the record of {old}: wanctl apply does that")
    for text, entry in record.entries.items():
        other = Address.parse(text)
        standing = (*((entry.current,) if entry.current else ()), *entry.retiring)
        held = any(one.remote_id == remote_id for one in standing)
        if held and other != address and other.kind is Kind.DEPLOYMENT:
            hint = f"if it has another name now, write moved_from: {other.name} in the document of {address}"
            raise AdoptionRefused(f"{remote_id} is {other} by the ledger; {hint}")


async def _context(desk: Desk, address: Address, *, look: bool = True) -> tuple[Context, Resource]:
    resource = desk.desired.resources.get(address)
    if resource is None:
        raise AdoptionRefused(f"the specs hold no {address}; write its document first")
    if look or desk.snapshot is None:
        await desk.survey()
    else:
        await desk.settle(desk.snapshot)  # what was adopted before raises questions of its own
    snapshot = desk.snapshot
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - a survey leaves one
    context = Context(desk.desired, snapshot, desk.book.record, desk.local, SETTLE_TIME)
    for each, other in desk.desired.resources.items():
        context.planned[each] = PLANNERS[each.kind](other, context)
    return context, resource


async def _adopt_job(
    desk: Desk, resource: Resource, spec: FineTune, job_id: str, context: Context
) -> tuple[Generation, str]:
    job = await desk.studio.jobs.get(job_id)
    wanted = wanted_job(resource.address, spec, context)
    if wanted is None:
        raise AdoptionRefused(f"the datasets of {resource.address} cannot be read, so its inputs are unknown")
    base = job.model or job.base_model
    if base != spec.model:
        raise AdoptionRefused(f"{job_id} trains {base}, and {resource.address} wants {spec.model}")
    if other := contradicted(wanted.declared, job.hyper_parameters):
        raise AdoptionRefused(
            f"{job_id} was made with other hyper-parameters than {resource.address} declares: "
            + ", ".join(
                f"{key} {job.hyper_parameters[key]} (declared {wanted.declared[key]})" for key in other
            )
        )
    inputs = job_inputs(wanted, context)
    sentence = f"{job_id} ({job.status}) stands for {resource.address} from now on"
    return _adopted(job_id, wanted.identity, inputs, desk), sentence


async def _adopt_deployment(
    desk: Desk, resource: Resource, spec: Deployment, deployed_model: str, context: Context
) -> tuple[Generation, str]:
    live = await desk.studio.deployments.get(deployed_model)
    upstream = upstream_of(spec)
    model_name = context.outcome(upstream).model_name if upstream else spec.model_name
    if model_name is None:
        raise AdoptionRefused(f"the model that {resource.address} is to serve is not there yet")
    if live.model_name != model_name:
        raise AdoptionRefused(
            f"{deployed_model} serves {live.model_name}, and {resource.address} wants {model_name}"
        )
    sent = {
        "model_name": live.model_name,
        "capacity": spec.capacity if live.capacity is None else live.capacity,
        "aigc_config": None if spec.aigc_config.unknown else spec.aigc_config.sent(),
        "suffix": _suffix_of(live),
        "attempt": spec.attempt,
    }
    sentence = f"{deployed_model} is trusted to have the aigc_config of {resource.address}, unseen"
    if spec.aigc_config.unknown:
        sentence = (
            f"{deployed_model} stands for {resource.address} from now on; its aigc_config stays unknown"
        )
    adopted = _adopted(deployed_model, config_identity(sent), sent, desk)
    return adopted.model_copy(update={"created": live.gmt_create}), sentence


def _suffix_of(live: LiveDeployment) -> str | None:
    """What its name has beyond its model's, if that is how it is made up."""
    plain = f"{live.model_name}-"
    return live.deployed_model.removeprefix(plain) if live.deployed_model.startswith(plain) else None


def _adopted(remote_id: str, identity: str, inputs: dict[str, Any], desk: Desk) -> Generation:
    now = desk.clock.now()
    return Generation(remote_id=remote_id, identity=identity, inputs=inputs, since=now, adopted=True)
