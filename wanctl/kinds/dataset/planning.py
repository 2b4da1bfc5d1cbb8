"""Dataset: media and captions, known by their content; live as an uploaded zip that is named after it.

This file plans; what the case holds, and the calls, are in `case`.
"""

from dataclasses import replace

from wanctl.address import Address
from wanctl.dataset.checks import abridged
from wanctl.dataset.checks.files import listed
from wanctl.dataset.contents import DatasetFacts, LocalData, parse_upload_name, upload_name
from wanctl.dataset.manifest import changes_since
from wanctl.finding import Finding, Place, Severity
from wanctl.kinds.context import Context, Planned, ProvidedDataset, ProvidedModel
from wanctl.kinds.dataset.case import FIELDS, DatasetCase, DatasetContent, DeleteFile, Upload
from wanctl.kinds.snapshot import Listing, Read
from wanctl.language.models import State
from wanctl.language.resources import Resource
from wanctl.language.source import OssFolder
from wanctl.ledger.record import Verb
from wanctl.plan import Action, Change, Progress, Step, When
from wanctl.studio.objects import Job, RemoteFile

_CAPTIONS_SHOWN = 5


def plan_dataset(resource: Resource, context: Context) -> Planned:
    """Upload what is not there; wait for what is being processed; never upload the same content twice."""
    case = DatasetCase(resource, context)
    if case.spec.source.oss:
        return _plan_folder(case, case.spec.source.oss)
    if case.spec.source.file_id:
        return _plan_uploaded(case, case.spec.source.file_id)
    if case.spec.state is State.ABSENT:
        return _plan_removal(case)
    content = case.content
    if content is None:
        return _plan_unread(case)
    if case.unneeded:
        return _plan_unneeded(case, content, case.unneeded)
    planned = _plan_content(case, content)
    if planned.step.settled:
        return planned  # what is wrong with it matters again when something is to be trained on it
    problems = _findings(case.address, case.local)
    if any(problem.severity is Severity.ERROR for problem in problems):
        reason = "the dataset has errors; nothing is uploaded until they are corrected"
        step = case.step(Action.UPLOAD, When.BLOCKED, reason, summary=content.summary)
        return Planned(step, ProvidedDataset(content=content.digest), findings=problems)
    return replace(planned, findings=problems)


def errors_in_uploaded(addresses: tuple[Address, ...], context: Context) -> tuple[Finding, ...]:
    """A training would fail on these, though the upload is there: it was for another use, or long ago."""
    return tuple(
        finding
        for address in addresses
        if address in context.local and context.planned[address].step.settled
        for finding in _findings(address, context.local[address])
        if finding.severity is Severity.ERROR
    )


def _findings(address: Address, local: LocalData) -> tuple[Finding, ...]:
    return tuple(
        replace(one, address=address, place=_in_source(one.place, local.source))
        for one in abridged(local.problems)
    )


def _in_source(place: Place | None, source: str) -> Place:
    """A place in a dataset, as a person finds it from where the specs are."""
    return Place(f"{source}/{place.file}", place.line) if place else Place(source)


# What the service has already: a folder that it reads in OSS, or a file that somebody else uploaded


def _plan_folder(case: DatasetCase, folder: OssFolder) -> Planned:
    """No call tells whether it is there; the training shows it."""
    reason = "a folder in OSS, which the service reads; used, never deleted"
    step = case.step(Action.NOTHING, When.DONE, reason, remote_id=folder.address, summary=folder.address)
    content = f"file:{folder.address}"
    return Planned(step, ProvidedDataset(content=content, file_id=folder.address, owned=False))


def _plan_uploaded(case: DatasetCase, file_id: str) -> Planned:
    """Used as it is, never deleted."""
    snapshot, content = case.context.snapshot, f"file:{file_id}"
    file = snapshot.file_by_id.get(file_id) or case.asked(file_id)
    if file is None and Listing.FILES in snapshot.unlisted and not snapshot.files:
        file = RemoteFile(id=file_id)  # the service tells of no file at all: a training will show
    if file is None:
        gone = case.context.answered(Read.FILE, file_id)
        step = case.step(
            Action.NOTHING,
            When.BLOCKED if gone else When.DONE,
            f"there is no file {file_id} in this account and region",
            remote_id=file_id,
            hints=(f"check source.file_id at {case.resource.at('source')}",),
        )
        return Planned(step, ProvidedDataset(content=content, owned=False))
    step = case.step(
        Action.NOTHING,
        When.DONE if file.usable else When.SERVICE,
        "uploaded by somebody else; used, never deleted",
        remote_id=file_id,
        progress=None if file.usable else Progress(str(file.status)),
        summary=file.filename,
    )
    given = file_id if file.usable else None
    return Planned(step, ProvidedDataset(content=content, file_id=given, owned=False))


# A content of ours that is to be live


def _plan_unread(case: DatasetCase) -> Planned:
    """The source cannot be read here, and no digest is locked: say so; what is live stays as it is."""
    current = case.entry.current
    hints: tuple[str, ...] = (
        f"check source at {case.resource.at('source')}",
        f"to plan without the media, run where they are: wanctl dataset lock {case.address.name}",
    )
    if case.part:
        hints = (f"see Dataset/{case.part.of}, and validation: at {case.resource.origin}",)
    step = case.step(
        Action.UPLOAD,
        When.BLOCKED,
        case.local.problem or "its source cannot be read",
        remote_id=current.remote_id if current else None,
        hints=hints,
    )
    return Planned(step)


def _plan_unneeded(case: DatasetCase, content: DatasetContent, reason: str) -> Planned:
    """It is known, and that is enough; what was uploaded of it before stays."""
    step = case.step(Action.NOTHING, When.DONE, reason, summary=content.summary)
    return Planned(step, ProvidedDataset(content=content.digest))


def _plan_content(case: DatasetCase, content: DatasetContent) -> Planned:
    current = case.entry.current
    live = case.listed(content.digest)
    if not live and current and current.identity == content.digest:
        asked = case.asked(current.remote_id)
        live = [asked] if asked else []
    usable = [file for file in live if file.usable]
    if usable:
        return _found(case, content, usable[0])
    if live and not live[0].failed:
        step = case.step(
            Action.UPLOAD,
            When.SERVICE,
            "the service is processing the upload",
            remote_id=live[0].id,
            progress=Progress(str(live[0].status)),
            summary=content.summary,
        )
        return Planned(step, ProvidedDataset(content=content.digest))
    return Planned(_upload(case, content), ProvidedDataset(content=content.digest))


def _found(case: DatasetCase, content: DatasetContent, file: RemoteFile) -> Planned:
    step = case.step(Action.NOTHING, When.DONE, "uploaded", remote_id=file.id, summary=content.summary)
    inputs = content.inputs(file.filename, file.bytes)
    learn = case.context.learned(case.entry, file.id, content.digest, inputs)
    return Planned(step, ProvidedDataset(content=content.digest, file_id=file.id), learn)


def _upload(case: DatasetCase, content: DatasetContent) -> Step:
    if case.settling(Verb.UPLOAD):
        more = {"changes": (case.change(content.digest),), "summary": content.summary}
        return case.wait_for_lost(Action.UPLOAD, "the upload", "it arrived", **more)
    before = case.entry.current
    drift = before is not None and before.identity == content.digest
    reason, changes = _why_upload(case, content)
    name = upload_name(case.context.project, case.address.name, content.digest)
    size = content.facts.size if content.facts else None
    upload = Upload(case.address, content.digest, name, size, content.inputs(name, size))
    return case.step(
        Action.UPLOAD,
        When.NOW if content.fetchable else When.BLOCKED,
        reason if content.fetchable else f"{reason}, and its source is not on this machine",
        changes=changes,
        summary=content.summary,
        drift=drift,
        hints=() if content.fetchable else ("apply once where its media are; after that no plan needs them",),
        effect=upload if content.fetchable else None,
        routine=before is None,
    )


def without_needless_upload(address: Address, planned: Planned, context: Context) -> Planned:
    """Jobs that were made from another upload of these media, and adopted, need none of ours. What was there
    once and was deleted by somebody else is drift, and comes back."""
    step = planned.step
    if step.action is not Action.UPLOAD or step.when not in {When.NOW, When.BLOCKED} or step.drift:
        return planned
    users = context.users(address)
    if not users or not all(_has_its_job(one, context) for one in users):
        return planned
    verb = "has its job" if len(users) == 1 else "have their jobs"
    reason = f"not uploaded: {listed([str(one) for one in users])} {verb}"
    done = Step(address, Action.NOTHING, When.DONE, reason, summary=step.summary)
    return replace(planned, step=done, findings=())


def _has_its_job(user: Address, context: Context) -> bool:
    provided, step = context.planned[user].provided, context.planned[user].step
    return isinstance(provided, ProvidedModel) and provided.job is not None and step.when is not When.LATER


def _why_upload(case: DatasetCase, content: DatasetContent) -> tuple[str, tuple[Change, ...]]:
    """In words and caption by caption, as far as the ledger remembers what was uploaded."""
    before, changes = case.entry.current, (case.change(content.digest),)
    if before is None:
        return "not uploaded yet", changes
    if before.identity == content.digest:
        return f"its file {before.remote_id} was deleted outside wanctl", ()
    kept = before.inputs.get("samples")
    if kept is None or content.facts is None:
        return FIELDS.why(changes), changes
    differing = changes_since(kept, content.facts)
    captions = tuple(
        replace(FIELDS.change("caption", one.before, one.after), path=f"caption of {one.sample}")
        for one in differing.captions[:_CAPTIONS_SHOWN]
    )
    more = len(differing.captions) - len(captions)
    shown = f" (the first {_CAPTIONS_SHOWN} are shown)" if more else ""
    return f"{differing or _beside_samples(content.facts)}{shown}", (*changes, *captions)


def _beside_samples(facts: DatasetFacts) -> str:
    """Nothing that is trained on changed; it is another content all the same, and trained again."""
    if unused := facts.unused:
        return (
            f"no sample changed, but files that no line uses did: {listed(unused)}; exclude: leaves them out"
        )
    return "no sample changed, but names of files or the order of the lines"


# The end of an upload, by state: absent in its document: once no job reads it, then forgotten


def _plan_removal(case: DatasetCase) -> Planned:
    """Delete the content as it is read; where the media went first, the one that was uploaded last."""
    current = case.entry.current
    content = case.content.digest if case.content else current.identity if current else None
    if content is None:
        return _plan_unknown(case)
    provided = ProvidedDataset(content=content)  # the job that is to go with it is found by that
    file = _standing(case, content)
    if file is None:
        if case.settling(Verb.UPLOAD):
            return Planned(case.wait_for_lost(Action.DELETE, "its upload", "it arrived"), provided)
        return case.absent(case.entry.generation(content), provided)
    if sharing := _of_same_content(case, content):
        reason = f"absent; {file.id} stays, since {', '.join(sharing)} has the same content"
        step = case.step(Action.NOTHING, When.DONE, reason)
        return Planned(step, provided, answered=case.context.overdue(case.address))
    if readers := _readers(file.id, case.context):
        reason = f"{', '.join(readers)} may still be reading {file.id}"
        step = case.step(Action.DELETE, When.SERVICE, reason, remote_id=file.id, goes_on=True)
        return Planned(step, provided)
    step = case.step(
        Action.DELETE,
        When.NOW,
        case.context.why_gone,
        remote_id=file.id,
        warning="a deleted file cannot be brought back",
        effect=DeleteFile(case.address, file.id),
    )
    return Planned(step, provided)


def _plan_unknown(case: DatasetCase) -> Planned:
    """No record says what its media were: what is left of it is an orphan."""
    mark = case.context.project, case.address.name
    left = [
        file.id
        for file in case.context.snapshot.files
        if (name := parse_upload_name(file.filename)) and (name.project, name.name) == mark
    ]
    reason = "absent, as wanted"
    if left:
        reason = (
            f"absent; its media cannot be read, and {', '.join(left)} may be of it: wanctl prune lists that"
        )
    step = case.step(Action.NOTHING, When.DONE, reason)
    return Planned(step, answered=case.context.overdue(case.address))


def _standing(case: DatasetCase, content: str) -> RemoteFile | None:
    """The upload, as it is listed or known by the ledger."""
    if found := case.listed(content):
        return found[0]
    known = case.entry.generation(content)
    return case.asked(known.remote_id) if known else None


def _of_same_content(case: DatasetCase, content: str) -> list[str]:
    """Datasets that are to stay and share their upload with this one."""
    return [
        str(other)
        for other in case.context.local_by_content.get(content, ())
        if other != case.address and case.context.desired.resources[other].spec.state is State.PRESENT
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
