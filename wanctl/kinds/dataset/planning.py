"""Dataset: media and captions, known by their content; live as an uploaded zip that is named after it.

This file plans; what the calls do is in `uploading`.
"""

from dataclasses import dataclass, replace
from typing import Any

from wanctl.address import Address
from wanctl.base.words import counted, spell_bytes
from wanctl.dataset.checks.files import listed
from wanctl.dataset.contents import DatasetFacts, upload_name
from wanctl.dataset.manifest import changes_since, manifest
from wanctl.finding import Severity
from wanctl.kinds.context import Context, LocalData, Planned, ProvidedDataset
from wanctl.kinds.dataset.removal import plan_file_removal
from wanctl.kinds.dataset.uploading import Upload
from wanctl.kinds.fields import FieldRule, FieldTable
from wanctl.kinds.snapshot import Listing, Read
from wanctl.kinds.soundness import dataset_findings
from wanctl.language.models import Dataset, State
from wanctl.language.resources import Resource
from wanctl.ledger.record import Generation, Verb
from wanctl.plan import Action, Change, FieldClass, Progress, Step, When
from wanctl.studio.objects import RemoteFile

_CAPTIONS_SHOWN = 5
_BY_CONTENT = "a dataset is known by its content"
FIELDS = FieldTable(
    FieldRule("content", FieldClass.IMMUTABLE, _BY_CONTENT, "the content changed"),
    FieldRule("caption", FieldClass.IMMUTABLE, _BY_CONTENT),
)


@dataclass(frozen=True)
class _Content:
    """What is to be live: known by the files, or by the digest that the spec has locked."""

    digest: str
    summary: str
    facts: DatasetFacts | None
    fetchable: bool  # an upload can have the bytes

    def inputs(self, filename: str, size: int | None) -> dict[str, Any]:
        """What the ledger keeps of the upload."""
        kept = manifest(self.facts) if self.facts else {}
        return {"filename": filename, "size": size, **kept}


def plan_dataset(resource: Resource, context: Context) -> Planned:
    """Upload what is not there; wait for what is being processed; never upload the same content twice."""
    spec = resource.spec
    assert isinstance(spec, Dataset)  # noqa: S101 - the registry pairs each kind with its model
    if spec.source.file_id:
        return _plan_uploaded(resource, spec.source.file_id, context)
    local = context.local[resource.address]
    content = _content(resource, spec, local, context)
    if spec.state is State.ABSENT:
        return plan_file_removal(resource, content.digest if content else None, context)
    if content is None:
        return _plan_unread(resource, local, context)
    planned = _plan_content(resource, content, context)
    if planned.step.settled:
        return planned  # what is wrong with it matters again when something is to be trained on it
    problems = dataset_findings(resource.address, local)
    if any(problem.severity is Severity.ERROR for problem in problems):
        step = Step(
            address=resource.address,
            action=Action.UPLOAD,
            when=When.BLOCKED,
            reason="the dataset has errors; nothing is uploaded until they are corrected",
            summary=content.summary,
        )
        return Planned(step, ProvidedDataset(content=content.digest), findings=problems)
    return replace(planned, findings=problems)


def _content(resource: Resource, spec: Dataset, local: LocalData, context: Context) -> _Content | None:
    if local.facts:
        return _Content(local.facts.digest, _summary(local.facts), local.facts, fetchable=True)
    if spec.digest is None:
        return None
    digest = spec.digest.removeprefix("sha256:")
    kept = context.entry(resource.address).generation(digest)
    parts = [f"sha256:{digest[:16]} as locked, bytes not seen"]
    if kept and "samples" in kept.inputs:
        parts = [counted(len(kept.inputs["samples"]), "sample"), *parts]
    return _Content(digest, ", ".join(parts), None, local.fetchable)


def _plan_content(resource: Resource, content: _Content, context: Context) -> Planned:
    live = context.snapshot.files_by_content.get((context.project, content.digest[:16]), [])
    if not live:
        live = _not_listed_yet(resource.address, content.digest, context)
    usable = [file for file in live if file.usable]
    if usable:
        return _found(resource, usable[0], content, context)
    if live and not live[0].failed:
        step = Step(
            address=resource.address,
            action=Action.UPLOAD,
            when=When.SERVICE,
            reason="the service is processing the upload",
            remote_id=live[0].id,
            progress=Progress(str(live[0].status)),
            summary=content.summary,
        )
        return Planned(step, ProvidedDataset(content=content.digest))
    return _plan_upload(resource, content, context)


def _not_listed_yet(address: Address, digest: str, context: Context) -> list[RemoteFile]:
    """A list may lag behind an upload: what the ledger knows is asked for by its id."""
    current = context.entry(address).current
    if current is None or current.identity != digest:
        return []
    asked = context.ask(Read.FILE, current.remote_id)
    return [asked] if isinstance(asked, RemoteFile) else []


def _plan_upload(resource: Resource, content: _Content, context: Context) -> Planned:
    provided = ProvidedDataset(content=content.digest)
    intent, before = context.intent(resource.address), context.entry(resource.address).current
    if intent and intent.verb == Verb.UPLOAD and context.settling(intent):
        step = Step(
            address=resource.address,
            action=Action.UPLOAD,
            when=When.SERVICE,
            reason="the answer to the upload was lost; waiting to see whether it arrived",
            progress=Progress("UNKNOWN"),
            summary=content.summary,
            changes=(_content_change(before, content.digest),),
        )
        return Planned(step, provided)
    drift = before is not None and before.identity == content.digest
    reason, changes = _what_changed(before, content) if before and not drift else ("not uploaded yet", ())
    if drift:
        reason = f"its file {before.remote_id if before else ''} was deleted outside wanctl"
    elif not changes:
        changes = (_content_change(before, content.digest),)
    step = Step(
        address=resource.address,
        action=Action.UPLOAD,
        when=When.NOW if content.fetchable else When.BLOCKED,
        reason=reason if content.fetchable else f"{reason}, and its source is not on this machine",
        changes=changes,
        summary=content.summary,
        drift=drift,
        hints=() if content.fetchable else ("apply once where its media are; after that no plan needs them",),
        effect=_upload(resource.address, content, context) if content.fetchable else None,
        routine=before is None,
    )
    return Planned(step, provided)


def _upload(address: Address, content: _Content, context: Context) -> Upload:
    name = upload_name(context.project, address.name, content.digest)
    size = content.facts.size if content.facts else None
    return Upload(address, content.digest, name, size, content.inputs(name, size))


def _what_changed(before: Generation, content: _Content) -> tuple[str, tuple[Change, ...]]:
    """In words and caption by caption, as far as the ledger remembers what was uploaded."""
    kept = before.inputs.get("samples")
    changes = (_content_change(before, content.digest),)
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


def _content_change(before: Generation | None, digest: str) -> Change:
    old = f"sha256:{before.identity[:16]}" if before else None
    return FIELDS.change("content", old, f"sha256:{digest[:16]}")


def _found(resource: Resource, file: RemoteFile, content: _Content, context: Context) -> Planned:
    step = Step(
        address=resource.address,
        action=Action.NOTHING,
        when=When.DONE,
        reason="uploaded",
        remote_id=file.id,
        summary=content.summary,
    )
    entry = context.entry(resource.address)
    learn = context.learned(entry, file.id, content.digest, content.inputs(file.filename, file.bytes))
    return Planned(step, ProvidedDataset(content=content.digest, file_id=file.id), learn)


def _plan_uploaded(resource: Resource, file_id: str, context: Context) -> Planned:
    """A file that somebody uploaded already: used as it is, never deleted."""
    file = context.snapshot.file_by_id.get(file_id)
    if file is None:
        asked = context.ask(Read.FILE, file_id)
        file = asked if isinstance(asked, RemoteFile) else None
    if file is None and Listing.FILES in context.snapshot.unlisted and not context.snapshot.files:
        file = RemoteFile(id=file_id)  # the service tells of no file at all: a training will show
    content = f"file:{file_id}"
    if file is None:
        gone = context.answered(Read.FILE, file_id)
        step = Step(
            address=resource.address,
            action=Action.NOTHING,
            when=When.BLOCKED if gone else When.DONE,
            reason=f"there is no file {file_id} in this account and region",
            remote_id=file_id,
            hints=(f"check source.file_id at {resource.at('source')}",),
        )
        return Planned(step, ProvidedDataset(content=content, owned=False))
    step = Step(
        address=resource.address,
        action=Action.NOTHING,
        when=When.DONE if file.usable else When.SERVICE,
        reason="uploaded by somebody else; used, never deleted",
        remote_id=file_id,
        progress=None if file.usable else Progress(str(file.status)),
        summary=file.filename,
    )
    return Planned(
        step, ProvidedDataset(content=content, file_id=file_id if file.usable else None, owned=False)
    )


def _plan_unread(resource: Resource, local: LocalData, context: Context) -> Planned:
    """The source cannot be read here, and no digest is locked: say so; what is live stays as it is."""
    current = context.entry(resource.address).current
    step = Step(
        address=resource.address,
        action=Action.UPLOAD,
        when=When.BLOCKED,
        reason=local.problem or "its source cannot be read",
        remote_id=current.remote_id if current else None,
        hints=(
            f"check source at {resource.at('source')}",
            f"to plan without the media, run where they are: wanctl dataset lock {resource.address.name}",
        ),
    )
    return Planned(step)


def _summary(facts: DatasetFacts) -> str:
    parts = [counted(len(facts.samples), "sample")]
    if facts.seconds:
        parts.append(f"{facts.total_seconds:.0f} s")
    parts.append(spell_bytes(facts.size))
    return ", ".join(parts)
