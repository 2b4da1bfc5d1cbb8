"""The end of a Dataset's upload, by the tombstone in its document: once no job reads it, then forgotten."""

from wanctl.address import Address
from wanctl.dataset.contents import parse_upload_name
from wanctl.kinds.context import Context, Planned, ProvidedDataset
from wanctl.kinds.dataset.uploading import DeleteFile
from wanctl.kinds.snapshot import Read
from wanctl.language.models import State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Progress, Step, When
from wanctl.studio.objects import Job, RemoteFile


def plan_file_removal(resource: Resource, content: str | None, context: Context) -> Planned:
    """Delete the content as it is read; where the media went first, what was uploaded last."""
    address, current = resource.address, context.entry(resource.address).current
    content = content or (current.identity if current else None)
    if content is None:
        return _plan_unread(address, context)
    provided = ProvidedDataset(content=content)  # the job that is to go with it is found by that
    file = _standing(address, content, context)
    if file is None:
        return _plan_gone(address, content, context)
    sharing = [str(other) for other in _of_same_content(address, content, context)]
    if sharing:
        reason = f"absent; {file.id} stays, since {', '.join(sharing)} has the same content"
        step = Step(address, Action.NOTHING, When.DONE, reason)
        return Planned(step, provided, answered=context.overdue(address))
    readers = _readers(file.id, context)
    if readers:
        reason = f"{', '.join(readers)} may still be reading {file.id}"
        step = Step(address, Action.DELETE, When.SERVICE, reason, remote_id=file.id, goes_on=True)
        return Planned(step, provided)
    step = Step(
        address,
        Action.DELETE,
        When.NOW,
        context.why_gone,
        remote_id=file.id,
        warning="a deleted file cannot be brought back",
        effect=DeleteFile(address, file.id),
    )
    return Planned(step, provided)


def _plan_unread(address: Address, context: Context) -> Planned:
    """No record says what its media were: what is left of it is an orphan."""
    left = [file.id for file in context.snapshot.files if _named_after(address, file, context)]
    reason = "absent, as wanted"
    if left:
        reason = (
            f"absent; its media cannot be read, and {', '.join(left)} may be of it: wanctl prune lists that"
        )
    step = Step(address, Action.NOTHING, When.DONE, reason)
    return Planned(step, answered=context.overdue(address))


def _named_after(address: Address, file: RemoteFile, context: Context) -> bool:
    name = parse_upload_name(file.filename)
    return name is not None and (name.project, name.name) == (context.project, address.name)


def _standing(address: Address, content: str, context: Context) -> RemoteFile | None:
    """The upload; a list may lag behind it, so what the ledger knows is asked for by its id."""
    listed = context.snapshot.files_by_content.get((context.project, content[:16]))
    if listed:
        return listed[0]
    known = context.entry(address).generation(content)
    asked = context.ask(Read.FILE, known.remote_id) if known else None
    return asked if isinstance(asked, RemoteFile) else None


def _plan_gone(address: Address, content: str, context: Context) -> Planned:
    """Deleted, by this run or by one that was killed over it: either way nobody is to miss it later."""
    provided, intent = ProvidedDataset(content=content), context.intent(address)
    if intent and intent.verb == Verb.UPLOAD and context.settling(intent):
        reason = "the answer to its upload was lost; waiting to see whether it arrived"
        step = Step(address, Action.DELETE, When.SERVICE, reason, progress=Progress("UNKNOWN"))
        return Planned(step, provided)
    entry = context.entry(address)
    known = entry.generation(content)
    return Planned(
        Step(address, Action.NOTHING, When.DONE, "absent, as wanted"),
        provided,
        learn=entry.without(known.remote_id) if known else None,
        answered=intent is not None,
    )


def _of_same_content(address: Address, content: str, context: Context) -> list[Address]:
    """Datasets that are to stay and share their upload with this one."""
    return [
        other
        for other in context.local_by_content.get(content, ())
        if other != address and context.desired.resources[other].spec.state is State.PRESENT
    ]


def _readers(file_id: str, context: Context) -> list[str]:
    """Jobs that train on it, and trainings whose answer was lost: they may."""
    jobs = [job.job_id for job in context.snapshot.jobs_in_flight if _may_use(job, file_id)]
    sent = [one.address for one in context.record.intents if one.verb == Verb.TRAIN and context.settling(one)]
    return jobs + sent


def _may_use(job: Job, file_id: str) -> bool:
    """A job that does not say which files it reads may be reading this one."""
    named = (*job.training_file_ids, *job.validation_file_ids)
    return not named or file_id in named
