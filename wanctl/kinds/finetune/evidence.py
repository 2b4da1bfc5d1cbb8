"""Which live job is a FineTune's job: the evidence, strongest first, and what is too weak to decide.

Jobs carry no labels and the service echoes only part of what it was given, so each piece is weighed:
the ledger, our mark in the job's name, the files it read, and last its model and hyper-parameters.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from wanctl.kinds.context import Context
from wanctl.kinds.finetune.case import TrainingCase
from wanctl.kinds.snapshot import Listing, Read, canonical_number
from wanctl.ledger.record import Intent, Verb
from wanctl.studio.objects import NOT_BEGUN, Job

CLOCKS_DIFFER = timedelta(minutes=5)  # between this machine and the service, at the most that is believed
AT_ONCE = timedelta(minutes=10)


class Evidence(StrEnum):
    """How a job is known to be this training; each is also how a person reads it."""

    LEDGER = "the ledger"
    NAME = "its name"
    INTENT = "the open intent"
    FILES = "the files it was trained on"
    FILES_ELECTED = "the files it is trained on, as the first of them"


SURE = frozenset({Evidence.LEDGER, Evidence.NAME})  # enough to end a job that was paid for


@dataclass(frozen=True)
class Match:
    """The job that is surely ours, or the candidates among which nobody but a person can decide."""

    job: Job | None = None
    evidence: Evidence | None = None
    candidates: tuple[Job, ...] = ()
    why: str = ""  # they are candidates, where more is known than that nothing tells

    def ambiguity(self, intent: Intent | None) -> str:
        """Why a person has to decide."""
        names = ", ".join(f"{job.job_id} ({job.status})" for job in self.candidates)
        if self.why:
            return f"{self.why}, and this one may be called otherwise now, or be a copy: {names}"
        if intent:
            return f"a training was sent and its answer lost; any of these may be it: {names}"
        return f"these jobs may already be this training, and nothing tells for sure: {names}"


def match_job(case: TrainingCase) -> Match:
    """Find the job. A billed job is never started beside a possible twin: doubt is a result of its own."""
    for look in (_by_ledger, _by_name, _by_files, _by_parameters):
        match = look(case)
        if match.job or match.candidates:
            return match
    return _by_name_of_others(case)


def _by_ledger(case: TrainingCase) -> Match:
    """The job recorded for it, or under another name for a FineTune that left the specs since."""
    known = case.known or case.context.left_behind(case.address.kind, case.identity)
    job = case.context.snapshot.job_by_id.get(known.remote_id) if known else None
    if job and not job.live and _stands_elsewhere(case, job):
        return Match()  # it was taken back
    return Match(job, Evidence.LEDGER) if job else Match()


def _stands_elsewhere(case: TrainingCase, job: Job) -> bool:
    """Another job of the same inputs lives: by its name; or, where names are not kept, by its files and by
    having been made when this one was."""
    if any(twin.live for twin in twins_by_name(case)):
        return True
    return any(twin.live and made_at_once(twin, job) for twin in twins_by_files(case))


def _by_name(case: TrainingCase) -> Match:
    """The mark holds the digest of the inputs, the attempt among them: a renamed FineTune is found too."""
    named = twins_by_name(case)
    live = [job for job in named if job.live]
    return Match(elected(live), Evidence.NAME) if live else _decide(named, Evidence.NAME, needed=1)


def _by_files(case: TrainingCase) -> Match:
    """Files that are ours tell whose the job is. Of others' files a job may be others', too; and while the
    answer to a training of other inputs is missing, a new job may be that one."""
    found = twins_by_files(case)
    intent = _lost_training(case)
    fresh = [job for job in found if intent and job.job_id not in intent.seen]
    if any(content.startswith("file:") for content in case.training):
        sure = intent is not None and intent.identity == case.identity and len(fresh) == 1
        if sure:
            return Match(fresh[0], Evidence.INTENT)
        return Match(candidates=tuple(job for job in found if job.live))
    if intent and intent.identity != case.identity and fresh:
        return Match(candidates=tuple(fresh))
    live = [job for job in found if job.live]
    if len(live) > 1 and all(job.in_flight and made_at_once(job, live[0]) for job in live):
        return Match(elected(live), Evidence.FILES_ELECTED)
    return _decide(found, Evidence.FILES, needed=case.spec.attempt)


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


def _by_parameters(case: TrainingCase) -> Match:
    """Jobs that do not say what they read: one that came when our call was made is ours, once no second one
    can; any other that might be ours is for a person to judge."""
    silent = [job for job in _possible(case, None) if job.live and not job.training_file_ids]
    intent = _lost_training(case)
    if intent:
        fresh = tuple(job for job in silent if job.job_id not in intent.seen)
        sure = len(fresh) == 1 and intent.identity == case.identity and not _rivals(case)
        if case.context.settling(intent) and not (sure and case.context.listed_by_now(intent)):
            return Match()
        if sure and _in_the_window(fresh[0], intent, case.context):
            return Match(fresh[0], Evidence.INTENT)
        odd = tuple(job for job in _unlike(case) if job.job_id not in intent.seen)
        return Match(candidates=(*fresh, *odd))
    return Match(candidates=tuple(silent)) if _uploads_are_live(case) else Match()


def _lost_training(case: TrainingCase) -> Intent | None:
    return case.intent if case.intent and case.intent.verb == Verb.TRAIN else None


def _rivals(case: TrainingCase) -> bool:
    """Another training of the same model lost its answer too: a new job may be either's."""
    return any(
        intent.verb == Verb.TRAIN
        and intent.address != str(case.address)
        and intent.inputs.get("model") == case.spec.model
        for intent in case.context.record.intents
    )


def _in_the_window(job: Job, intent: Intent, context: Context) -> bool:
    """Made while our call was under way, as far as two clocks agree; a stamp without a zone says nothing."""
    if job.create_time is None or job.create_time.tzinfo is None:
        return True
    return intent.at - CLOCKS_DIFFER <= job.create_time <= intent.at + context.patience_for(intent)


def _unlike(case: TrainingCase) -> list[Job]:
    """Live jobs whose echo differs from what was declared: it tells what was used, not what was asked for."""
    unnamed = case.context.snapshot.unnamed_by_model.get(case.spec.model, ())
    return [
        job
        for job in _unclaimed(unnamed, case)
        if job.live
        and contradicted(case.declared, job.hyper_parameters)
        and (not job.training_file_ids or _contents(job.training_file_ids, case) == case.training)
    ]


def _uploads_are_live(case: TrainingCase) -> bool:
    """A job can only have read what was uploaded, as far as the uploads are seen."""
    if Listing.FILES in case.context.snapshot.unlisted:
        return True
    return set(case.training) <= set(case.content_by_file.values())


def _by_name_of_others(case: TrainingCase) -> Match:
    """The very same inputs under another project's name: this one may have been called so, or it is a copy.
    What the other environments of these specs train, they train for themselves."""
    context = case.context
    own = context.desired.projects | {context.project}
    found = [
        (job, project)
        for project, job in context.snapshot.jobs_by_inputs.get(case.identity[:16], ())
        if project not in own and job.live and job.job_id not in case.entry.disowned
    ]
    names = ", ".join(sorted({project for _, project in found}))
    return Match(
        candidates=tuple(job for job, _ in found),
        why=f"the project {names} has trained the very same inputs",
    )


# Jobs of the same inputs


def elected(jobs: Iterable[Job], unless_later: Collection[str] = ()) -> Job:
    """Of jobs that are the same training, the one that stands: what is trained, else what trains already,
    else the earliest; of those of one moment none of `unless_later`, if there is another. Every run comes to
    the same answer, as long as it names none."""
    return min(
        jobs,
        key=lambda job: (
            not job.succeeded,
            job.status in NOT_BEGUN,
            job.create_time is None,
            str(job.create_time),
            job.job_id in unless_later,
            job.job_id,
        ),
    )


def made_at_once(one: Job, other: Job) -> bool:
    """So near to each other that runs which knew nothing of one another may have made them."""
    if one.create_time is None or other.create_time is None:
        return False
    return abs(one.create_time - other.create_time) <= AT_ONCE


def twins_by_name(case: TrainingCase) -> list[Job]:
    """Every job whose name carries these inputs."""
    key = (case.context.project, case.identity[:16])
    return _without_disowned(case.context.snapshot.jobs_by_name.get(key, ()), case)


def twins_by_files(case: TrainingCase) -> list[Job]:
    """Every job that reads exactly our files, with our model and no declared value contradicted."""
    files = case.content_by_file
    return [
        job
        for file_id in ((*files, None) if case.context.snapshot.abridged else files)
        for job in _possible(case, file_id)
        if _contents(job.training_file_ids, case) == case.training
        and _contents(job.validation_file_ids, case) == case.validation
    ]


def _possible(case: TrainingCase, file_id: str | None) -> list[Job]:
    """Jobs of the same model, trained on this file first (None: their row does not say), that nothing rules
    out."""
    jobs = case.context.snapshot.unnamed(case.spec.model, file_id)
    return [
        job
        for job in (_in_full(job, case.context) for job in _unclaimed(jobs, case))
        if (job.model or job.base_model) in {None, "", case.spec.model}
        and not contradicted(case.declared, job.hyper_parameters)
    ]


def _in_full(job: Job, context: Context) -> Job:
    """A list may show less of a job than its details do: those are asked for before anything is concluded."""
    details = context.ask(Read.JOB, job.job_id) if job.abridged else None
    return details if isinstance(details, Job) else job


def _unclaimed(jobs: Sequence[Job], case: TrainingCase) -> list[Job]:
    """Those that are not another resource's, nor made from other inputs of the same one, by the ledger."""
    own = str(case.address)
    others = {one.remote_id for one in case.entry.generations if one.identity != case.identity}
    return [
        job
        for job in _without_disowned(jobs, case)
        if case.context.claimed.get(job.job_id, own) == own and job.job_id not in others
    ]


def _without_disowned(jobs: Sequence[Job], case: TrainingCase) -> list[Job]:
    return [job for job in jobs if job.job_id not in case.entry.disowned]


def contradicted(declared: Mapping[str, Any], echoed: Mapping[str, Any]) -> list[str]:
    """The declared keys whose echo differs. A key that is not echoed is not a difference."""
    return [
        key
        for key, value in declared.items()
        if key in echoed and canonical_number(echoed[key]) != canonical_number(value)
    ]


def _contents(file_ids: tuple[str, ...], case: TrainingCase) -> tuple[str, ...]:
    """The contents of these files; an unknown file equals nothing."""
    return tuple(sorted(case.content_by_file.get(file_id, f"unknown {file_id}") for file_id in file_ids))
