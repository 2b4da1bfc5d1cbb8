"""How a run sees the account: as a whole, or only where something is in flight. It changes nothing.

Every read is whole or it raises: a failed read is never taken for emptiness. Only the list of jobs is in
every document of the service. Where it says that it knows no list of files, or of deployments, what the
ledger and the jobs name is asked for one by one; any other failure of a list stops the run. What a row of a
list leaves out is asked for by the object's own id.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from wanctl.address import Address
from wanctl.base.running import Clock
from wanctl.dataset.contents import LocalData
from wanctl.engine.journal import Journal
from wanctl.engine.planner import Draft, Planner, make_plan
from wanctl.engine.polling import PollingPace
from wanctl.kinds.kind import Reader
from wanctl.kinds.registry import kind_of, reads
from wanctl.kinds.snapshot import Elsewhere, Listing, Question, Read, Snapshot
from wanctl.language.resources import Desired
from wanctl.ledger.record import Generation, Record
from wanctl.plan import When
from wanctl.studio.client import Studio
from wanctl.studio.errors import InvalidRequest, NotFound, ServerError, StudioError
from wanctl.studio.objects import IN_OSS, UNTOLD, Job, LiveDeployment, RemoteFile

ReadLists = Callable[
    [], Awaitable[Snapshot]
]  # the three lists as they are for everybody: nothing was asked yet
MANY = 20  # objects that are watched: from then on their list is read, if it is short enough
LOGS_AT_ONCE = 20  # in one look, in turns: nothing is decided by them
ROWS_A_PAGE = 100
ROUNDS_OF_QUESTIONS = 6  # each kind asks at most twice; more is a fault of ours, not of the world
_NO_SUCH_CALL = frozenset({404, 405})
_Object = TypeVar("_Object")
_Listed = TypeVar("_Listed", RemoteFile, Job, LiveDeployment)


@dataclass
class RunSession:
    """One run: all that it works with, and the account as it saw it last."""

    desired: Desired
    local: Mapping[Address, LocalData]
    studio: Studio
    clock: Clock
    journal: Journal
    polling: PollingPace
    archive: Callable[[Address, str], AbstractAsyncContextManager[Path]]
    planner: Planner = make_plan
    lists: ReadLists | None = None  # where several projects share one reading of an account
    elsewhere: Callable[[], Elsewhere] | None = None  # reads who shares models with this environment
    snapshot: Snapshot | None = None
    logs_read: dict[Question, int] = field(default_factory=dict)  # when last, in looks

    async def survey(self) -> Draft:
        """Read the whole account and plan from it."""
        elsewhere = await asyncio.to_thread(self.elsewhere) if self.elsewhere else None
        read = self.lists or partial(read_lists, self.studio, self.clock.now)
        seen = await observe(await read(), self.studio, self.journal.record)
        if elsewhere:
            self.journal.trained = elsewhere.trained
            seen = replace(seen, elsewhere=elsewhere)
        return await self.settle(seen)

    async def look_again(self, draft: Draft, due: Collection[Address]) -> Draft:
        """Read only what is in flight and due, and plan from that."""
        if self.snapshot is None:
            return await self.survey()
        waited = [step for step in draft.plan.steps if step.when is When.SERVICE and step.address in due]
        questions = {question for step in waited for question in kind_of(step.address).watched(step)}
        if any(step.remote_id is None or kind_of(step.address).may_have_twin(step) for step in waited):
            return await self.survey()  # only the lists can tell what a lost answer, or another run, left
        changed = await worth_a_call(self.studio, self.snapshot, self._logs_in_turns(questions))
        fresh = await answer(self.studio, changed)
        if any(getattr(one, "status", None) == UNTOLD for one in fresh.values()):
            return await self.survey()  # the object does not tell its state; the list may
        merged = self.snapshot.merged(fresh)
        return await self.settle(replace(merged, observed_at=self.clock.now()))

    def _logs_in_turns(self, questions: set[Question]) -> set[Question]:
        """Of many logs those that were not read for the longest time."""
        logs = sorted(question for question in questions if question.read == Read.LOGS)
        turn = sorted(logs, key=lambda one: self.logs_read.get(one, 0))[:LOGS_AT_ONCE]
        now = max(self.logs_read.values(), default=0) + 1
        self.logs_read |= dict.fromkeys(turn, now)
        return questions - set(logs) | set(turn)

    async def settle(self, snapshot: Snapshot) -> Draft:
        """Plan, answer what planning asks, and plan again until it asks nothing more."""
        for _ in range(ROUNDS_OF_QUESTIONS):
            draft = self.planner(self.desired, snapshot, self.journal.record, self.local)
            if not draft.questions:
                self.snapshot = snapshot
                return draft
            snapshot = snapshot.with_answers(await answer(self.studio, draft.questions))
        raise RuntimeError(f"planning keeps asking: {sorted(draft.questions)}")


async def read_lists(studio: Studio, now: Callable[[], datetime]) -> Snapshot:
    """The three lists. One that fails takes the others down with it; what a row leaves out is asked for by
    the object's own id."""
    async with asyncio.TaskGroup() as group:
        listing_files = group.create_task(unless_unlisted(studio.files.list()))
        listing_jobs = group.create_task(studio.jobs.list())
        listing_deployments = group.create_task(unless_unlisted(studio.deployments.list()))
    files, jobs, deployments = listing_files.result(), listing_jobs.result(), listing_deployments.result()
    jobs = await completed(jobs, studio.jobs.get, lambda one: one.job_id)
    if files is not None:
        files = await completed(files, studio.files.get, lambda one: one.id)
    if deployments is not None:
        deployments = await completed(deployments, studio.deployments.get, lambda one: one.deployed_model)
    absent = ((Listing.FILES, files), (Listing.DEPLOYMENTS, deployments))
    unlisted = tuple(listing for listing, found in absent if found is None)
    return Snapshot(now(), files or (), jobs, deployments or (), unlisted=unlisted)


async def observe(lists: Snapshot, studio: Studio, record: Record) -> Snapshot:
    """The account for one project: a list that the service does not have is made up for by what its ledger
    and the jobs name."""
    known = KnownByLedger(record)
    seen = lists
    if Listing.FILES in lists.unlisted:
        files, jobs = await files_one_by_one(studio, known, lists.jobs)
        seen = replace(seen, files=files, jobs=jobs)
    elif (files := require_names(lists.files, known)) != lists.files:
        seen = replace(seen, files=files)
    if Listing.DEPLOYMENTS in lists.unlisted:
        seen = replace(seen, deployments=await deployments_one_by_one(studio, known, seen.jobs))
    return seen


async def worth_a_call(studio: Studio, seen: Snapshot, questions: set[Question]) -> set[Question]:
    """The questions without those about objects whose row in their list shows no change.

    Where many are watched one list stands for many calls. Whatever shows a change, or no row, is asked for by
    its own id, and so is everything where the list cannot be read.
    """
    rest = set(questions)
    lists: tuple[tuple[str, Callable[[], Awaitable[Iterable[Any]]], Mapping[str, Any], str], ...] = (
        (Read.JOB, studio.jobs.list, seen.job_by_id, "job_id"),
        (Read.DEPLOYMENT, studio.deployments.list, seen.deployment_by_id, "deployed_model"),
    )
    for read, listed, before, key in lists:
        asked = {one.remote_id: one for one in questions if one.read == read}
        if len(asked) < max(MANY, 2 * len(before) / ROWS_A_PAGE):
            continue
        try:
            rows = await listed()
        except StudioError:
            continue
        for row in rows:
            known = before.get(getattr(row, key))
            if known is not None and row.status == known.status != UNTOLD and getattr(row, key) in asked:
                rest.discard(asked[getattr(row, key)])
    return rest


async def answer(studio: Studio, questions: Iterable[Question]) -> dict[Question, Any]:
    """The answers to questions; what is not found is None, every other failure raises."""
    ordered = sorted(questions)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer(studio, question)) for question in ordered]
    return dict(zip(ordered, (task.result() for task in tasks), strict=True))


async def _answer(studio: Studio, question: Question) -> Any:
    try:
        return await _reader(question)(studio, question.remote_id)
    except NotFound:
        return None


def _reader(question: Question) -> Reader:
    if question.read != Read.VIDEO:
        return reads()[question.read]
    from wanctl.generation.seeing import seen_video  # more than one call

    return seen_video


@dataclass(frozen=True)
class KnownByLedger:
    """The uploads and deployments that the ledger knows of."""

    record: Record

    def uploads(self) -> dict[str, RemoteFile]:
        return {
            one.remote_id: RemoteFile(
                id=one.remote_id, filename=one.inputs.get("filename") or "", bytes=one.inputs.get("size")
            )
            for one in self._generations(Listing.FILES)
        }

    def deployments(self) -> set[str]:
        """Those that stood, and those that a call without an answer may have made."""
        made = {one.remote_id for one in self._generations(Listing.DEPLOYMENTS)}
        left = (kind_of(Address.parse(one.address)).left_by(one) for one in self.record.intents)
        return made | {name for name in left if name}

    def _generations(self, listing: Listing) -> Iterable[Generation]:
        for address, entry in self.record.entries.items():
            if kind_of(Address.parse(address)).listing == listing:
                yield from (*entry.generations, *entry.retiring)


async def unless_unlisted(reading: Awaitable[tuple[_Object, ...]]) -> tuple[_Object, ...] | None:
    """A whole list; None where the service has no such call."""
    try:
        return await reading
    except StudioError as error:
        if not _unknown_call(error):
            raise
        return None


async def files_one_by_one(
    studio: Studio, known: KnownByLedger, jobs: tuple[Job, ...]
) -> tuple[tuple[RemoteFile, ...], tuple[Job, ...]]:
    """The files that the ledger or a job names. Where the service tells of none at all, the ledger's word has
    to do, and what a job read of other files nobody knows."""
    kept = known.uploads()
    read = {file_id for job in jobs for file_id in (*job.training_file_ids, *job.validation_file_ids)}
    uploads = {one for one in (*kept, *read) if not one.startswith(IN_OSS)}
    found = await _each(studio.files.get, uploads, _not_given)
    if found:
        return found, jobs
    return tuple(kept.values()), tuple(job if _reads_only(job, kept) else _silent(job) for job in jobs)


async def deployments_one_by_one(
    studio: Studio, known: KnownByLedger, jobs: tuple[Job, ...]
) -> tuple[LiveDeployment, ...]:
    """Those that the ledger knows, and those that have the plain name of a job's model."""
    models = {job.finetuned_output for job in jobs if job.succeeded and job.finetuned_output}
    return await _each(studio.deployments.get, known.deployments() | models, _not_there)


async def completed(
    listed: tuple[_Listed, ...], get: Callable[[str], Awaitable[_Listed]], named: Callable[[_Listed], str]
) -> tuple[_Listed, ...]:
    """The rows of a list; those that leave out what is needed are completed by what is told of each."""
    short = [named(one) for one in listed if not _tells_enough(one)]
    if not short:
        return listed
    details = {named(one): one for one in await _each(get, short, _not_given)}
    return tuple(_with_details(one, details.get(named(one))) for one in listed)


def _tells_enough(row: RemoteFile | Job | LiveDeployment) -> bool:
    if isinstance(row, RemoteFile):
        return bool(row.filename)
    return row.status != UNTOLD and (isinstance(row, Job) or row.model_name is not None)


def _with_details(row: _Listed, details: _Listed | None) -> _Listed:
    if details is None:
        return row
    said = (one.model_dump(exclude_unset=True) for one in (row, details))
    return type(row).model_validate({key: value for one in said for key, value in one.items()})


def require_names(files: tuple[RemoteFile, ...], known: KnownByLedger) -> tuple[RemoteFile, ...]:
    """A file's name is all that says what it holds: one without may be the upload that is looked for."""
    kept = known.uploads()
    files = tuple(one if one.filename else kept.get(one.id, one) for one in files)
    nameless = [one.id for one in files if not one.filename]
    if nameless:
        raise ServerError(
            f"the service does not tell the name of {', '.join(nameless)}, in its list or by the id; "
            "nobody knows what it holds, and it may be what is to be uploaded",
            hint="try again in a while; if nobody needs the file, delete it in the console",
        )
    return files


async def _each(
    get: Callable[[str], Awaitable[_Object]], names: Iterable[str], absent: Callable[[StudioError], bool]
) -> tuple[_Object, ...]:
    """The objects of these names that are found."""

    async def found(name: str) -> _Object | None:
        try:
            return await get(name)
        except StudioError as error:
            if not absent(error):
                raise
            return None

    answers = await asyncio.gather(*(found(name) for name in sorted(names)))
    return tuple(one for one in answers if one is not None)


def _unknown_call(error: StudioError) -> bool:
    return isinstance(error, NotFound | InvalidRequest) and error.status in _NO_SUCH_CALL


def _not_there(error: StudioError) -> bool:
    return isinstance(error, NotFound)


def _not_given(error: StudioError) -> bool:
    """It is not there, or the service tells of no single file either."""
    return _not_there(error) or _unknown_call(error)


def _reads_only(job: Job, kept: dict[str, RemoteFile]) -> bool:
    return {*job.training_file_ids, *job.validation_file_ids} <= kept.keys()


def _silent(job: Job) -> Job:
    return job.model_copy(update={"training_file_ids": (), "validation_file_ids": ()})
