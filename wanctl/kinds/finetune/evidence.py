"""Which live job is a FineTune's job: the evidence, strongest first, and what is too weak to decide.

Jobs carry no labels and the service echoes only part of what it was given, so each piece is weighed:
the ledger, our mark in the job's name, the files it read, and last its model and hyper-parameters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from wanctl.address import Address
from wanctl.kinds.context import Context
from wanctl.kinds.identity import canonical_number
from wanctl.kinds.snapshot import Listing, Read
from wanctl.language.models import FineTune
from wanctl.ledger.record import Entry, Intent, Verb
from wanctl.studio.objects import Job

CLOCKS_DIFFER = timedelta(minutes=5)  # between this machine and the service, at the most that is believed
AT_ONCE = timedelta(minutes=10)


class Evidence(StrEnum):
    """What says that a job is this training; each is also how a person reads it."""

    LEDGER = "the ledger"
    NAME = "its name"
    INTENT = "the open intent"
    FILES = "the files it was trained on"
    FILES_EARLIEST = "the files it is trained on, as the earliest of them"


SURE = frozenset({Evidence.LEDGER, Evidence.NAME})  # enough to end a job that was paid for


@dataclass(frozen=True)
class Wanted:
    """A FineTune as the service would know it."""

    address: Address
    spec: FineTune
    identity: str
    training: tuple[str, ...]  # contents, sorted
    validation: tuple[str, ...]
    declared: Mapping[str, Any]


@dataclass(frozen=True)
class Match:
    """The job that is surely ours, or the candidates among which nobody but a person can decide."""

    job: Job | None = None
    evidence: Evidence | None = None
    candidates: tuple[Job, ...] = ()
    why: str = ""  # they are candidates, where more is known than that nothing tells


def match_job(wanted: Wanted, context: Context) -> Match:
    """Find the job. A billed job is never started beside a possible twin: doubt is a result of its own."""
    entry = context.entry(wanted.address)
    for look in (_by_ledger, _by_name, _by_files):
        match = look(wanted, entry, context)
        if match.job or match.candidates:
            return match
    match = _by_parameters(wanted, entry, context)
    return match if match.job or match.candidates else _by_name_of_others(wanted, entry, context)


def earliest(jobs: Iterable[Job]) -> Job:
    """Of jobs that are the same training, the one that stands. Every run comes to the same answer."""
    return min(jobs, key=lambda job: (job.create_time is None, str(job.create_time), job.job_id))


def made_at_once(one: Job, other: Job) -> bool:
    """So near to each other that runs which knew nothing of one another may have made them."""
    if one.create_time is None or other.create_time is None:
        return False
    return abs(one.create_time - other.create_time) <= AT_ONCE


def twins_by_name(wanted: Wanted, context: Context) -> list[Job]:
    """Every job whose name carries these inputs."""
    key = (context.project, wanted.identity[:16])
    return _without_disowned(context.snapshot.jobs_by_name.get(key, ()), context.entry(wanted.address))


def twins_by_files(wanted: Wanted, context: Context) -> list[Job]:
    """Every job that reads exactly our files, with our model and no declared value contradicted."""
    contents = _contents_of_files(wanted, context)
    rows = (*contents, None) if context.snapshot.abridged else contents
    return [
        job
        for file_id in rows
        for job in _possible(wanted, context.entry(wanted.address), context, file_id)
        if _contents(job.training_file_ids, contents) == wanted.training
        and _contents(job.validation_file_ids, contents) == wanted.validation
    ]


def _by_ledger(wanted: Wanted, entry: Entry, context: Context) -> Match:
    """What was recorded for it, or under another name for a FineTune that left the specs since."""
    identity = wanted.identity
    known = entry.generation(identity) or context.left_behind(wanted.address.kind, identity)
    job = context.snapshot.job_by_id.get(known.remote_id) if known else None
    if job and not job.live and _stands_elsewhere(wanted, job, context):
        return Match()  # it was taken back
    return Match(job, Evidence.LEDGER) if job else Match()


def _stands_elsewhere(wanted: Wanted, job: Job, context: Context) -> bool:
    """Another job of the same inputs lives: by its name; or, where names are not kept, by its files and by
    having been made when this one was."""
    if any(twin.live for twin in twins_by_name(wanted, context)):
        return True
    return any(twin.live and made_at_once(twin, job) for twin in twins_by_files(wanted, context))


def _by_name(wanted: Wanted, entry: Entry, context: Context) -> Match:  # noqa: ARG001 - as the others
    """The mark holds the digest of the inputs, the attempt among them: a renamed FineTune is found too."""
    named = twins_by_name(wanted, context)
    live = [job for job in named if job.live]
    return Match(earliest(live), Evidence.NAME) if live else _decide(named, Evidence.NAME, needed=1)


def _by_name_of_others(wanted: Wanted, entry: Entry, context: Context) -> Match:
    """The very same inputs under another project's name: this one may have been called so, or it is a copy.
    What the other environments of these specs train, they train for themselves."""
    own = context.desired.projects | {context.project}
    found = [
        (job, project)
        for project, job in context.snapshot.jobs_by_inputs.get(wanted.identity[:16], ())
        if project not in own and job.live and job.job_id not in entry.disowned
    ]
    names = ", ".join(sorted({project for _, project in found}))
    return Match(
        candidates=tuple(job for job, _ in found),
        why=f"the project {names} has trained the very same inputs",
    )


def _by_files(wanted: Wanted, entry: Entry, context: Context) -> Match:  # noqa: ARG001 - as the others
    """Files that are ours tell whose the job is. Of others' files a job may be others', too; and while the
    answer to a training of other inputs is missing, a new job may be that one."""
    found = twins_by_files(wanted, context)
    intent = _lost_training(wanted, context)
    fresh = [job for job in found if intent and job.job_id not in intent.seen]
    if any(content.startswith("file:") for content in wanted.training):
        sure = intent is not None and intent.identity == wanted.identity and len(fresh) == 1
        if sure:
            return Match(fresh[0], Evidence.INTENT)
        return Match(candidates=tuple(job for job in found if job.live))
    if intent and intent.identity != wanted.identity and fresh:
        return Match(candidates=tuple(fresh))
    live = [job for job in found if job.live]
    if len(live) > 1 and all(job.in_flight and made_at_once(job, live[0]) for job in live):
        return Match(earliest(live), Evidence.FILES_EARLIEST)
    return _decide(found, Evidence.FILES, needed=wanted.spec.attempt)


def _by_parameters(wanted: Wanted, entry: Entry, context: Context) -> Match:
    """Jobs that do not say what they read: one that came when our call was made is ours, once no second one
    can; any other that might be ours is for a person to judge."""
    silent = [
        job for job in _possible(wanted, entry, context, None) if job.live and not job.training_file_ids
    ]
    intent = _lost_training(wanted, context)
    if intent:
        fresh = tuple(job for job in silent if job.job_id not in intent.seen)
        sure = len(fresh) == 1 and intent.identity == wanted.identity and not _rivals(wanted, context)
        if context.settling(intent) and not (sure and context.listed_by_now(intent)):
            return Match()
        if sure and _in_the_window(fresh[0], intent, context):
            return Match(fresh[0], Evidence.INTENT)
        odd = tuple(job for job in _unlike(wanted, entry, context) if job.job_id not in intent.seen)
        return Match(candidates=(*fresh, *odd))
    if not _training_is_live(wanted, context):
        return Match()
    return Match(candidates=tuple(silent))


def _lost_training(wanted: Wanted, context: Context) -> Intent | None:
    intent = context.intent(wanted.address)
    return intent if intent and intent.verb == Verb.TRAIN else None


def _in_the_window(job: Job, intent: Intent, context: Context) -> bool:
    """Made while our call was under way, as far as two clocks agree; a stamp without a zone says nothing."""
    if job.create_time is None or job.create_time.tzinfo is None:
        return True
    return intent.at - CLOCKS_DIFFER <= job.create_time <= intent.at + context.patience_for(intent)


def _unlike(wanted: Wanted, entry: Entry, context: Context) -> list[Job]:
    """Live jobs whose echo differs from what was declared: it tells what was used, not what was asked for."""
    contents = _contents_of_files(wanted, context)
    return [
        job
        for job in _unclaimed(
            context.snapshot.unnamed_by_model.get(wanted.spec.model, ()), wanted, entry, context
        )
        if job.live
        and contradicted(wanted.declared, job.hyper_parameters)
        and (not job.training_file_ids or _contents(job.training_file_ids, contents) == wanted.training)
    ]


def _rivals(wanted: Wanted, context: Context) -> bool:
    """Another training of the same model lost its answer too: a new job may be either's."""
    return any(
        intent.verb == Verb.TRAIN
        and intent.address != str(wanted.address)
        and intent.inputs.get("model") == wanted.spec.model
        for intent in context.record.intents
    )


def _decide(found: list[Job], evidence: Evidence, needed: int) -> Match:
    """One live job is the one. Failed ones count only when there are as many as attempts were asked for."""
    live = [job for job in found if job.live]
    if len(live) == 1:
        return Match(live[0], evidence)
    if live:
        return Match(candidates=tuple(live))
    if len(found) >= needed:
        return Match(max(found, key=lambda job: (str(job.create_time or ""), job.job_id)), evidence)
    return Match()


def _possible(wanted: Wanted, entry: Entry, context: Context, file_id: str | None) -> list[Job]:
    """Jobs of the same model, trained on this file first (None: their row does not say), that nothing rules
    out."""
    jobs = context.snapshot.unnamed(wanted.spec.model, file_id)
    return [
        job
        for job in (_in_full(job, context) for job in _unclaimed(jobs, wanted, entry, context))
        if (job.model or job.base_model) in {None, "", wanted.spec.model}
        and not contradicted(wanted.declared, job.hyper_parameters)
    ]


def _in_full(job: Job, context: Context) -> Job:
    """A list may show less of a job than its details do: those are asked for before anything is concluded."""
    details = context.ask(Read.JOB, job.job_id) if job.abridged else None
    return details if isinstance(details, Job) else job


def _unclaimed(jobs: Sequence[Job], wanted: Wanted, entry: Entry, context: Context) -> list[Job]:
    """Those that are not another resource's."""
    return [
        job
        for job in _without_disowned(jobs, entry)
        if context.claimed.get(job.job_id, str(wanted.address)) == str(wanted.address)
        and not _claimed_for_other_inputs(job, wanted, entry)
    ]


def _claimed_for_other_inputs(job: Job, wanted: Wanted, entry: Entry) -> bool:
    """The ledger says that this job was made from other inputs of the same resource."""
    known = ((entry.current,) if entry.current else ()) + entry.past
    return any(one.remote_id == job.job_id and one.identity != wanted.identity for one in known)


def _without_disowned(jobs: Sequence[Job], entry: Entry) -> list[Job]:
    return [job for job in jobs if job.job_id not in entry.disowned]


def contradicted(declared: Mapping[str, Any], echoed: Mapping[str, Any]) -> list[str]:
    """The declared keys whose echo differs. A key that is not echoed is not a difference."""
    return [
        key
        for key, value in declared.items()
        if key in echoed and canonical_number(echoed[key]) != canonical_number(value)
    ]


def _contents_of_files(wanted: Wanted, context: Context) -> dict[str, str]:
    """File id → content, for every live file that holds one of the wanted contents."""
    contents: dict[str, str] = {}
    for content in (*wanted.training, *wanted.validation):
        if content.startswith("file:"):
            contents[content.removeprefix("file:")] = content
            continue
        for file in context.snapshot.files_by_content.get((context.project, content[:16]), ()):
            contents[file.id] = content
    return contents


def _contents(file_ids: tuple[str, ...], contents: Mapping[str, str]) -> tuple[str, ...]:
    """What these files hold; an unknown file equals nothing."""
    return tuple(sorted(contents.get(file_id, f"unknown {file_id}") for file_id in file_ids))


def _training_is_live(wanted: Wanted, context: Context) -> bool:
    """A job can only have read what was uploaded, as far as the uploads are seen."""
    if Listing.FILES in context.snapshot.unlisted:
        return True
    live = set(_contents_of_files(wanted, context).values())
    return all(content in live for content in wanted.training)


def ambiguity(match: Match, intent: Intent | None) -> str:
    """Why a person has to decide."""
    names = ", ".join(f"{job.job_id} ({job.status})" for job in match.candidates)
    if match.why:
        return f"{match.why}, and this one may be called otherwise now, or be a copy: {names}"
    if intent:
        return f"a training was sent and its answer lost; any of these may be it: {names}"
    return f"these jobs may already be this training, and nothing tells for sure: {names}"
