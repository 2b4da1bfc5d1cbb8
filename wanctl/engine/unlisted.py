"""A service that lists no files, or no deployments: what ledger and jobs name is asked for one by one.

Only the list of jobs is in every document of the service. Called by `observe`, once the service has said that
it knows no such call: any other failure of a list is none of its answers, and stops the run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from wanctl.address import Address
from wanctl.kinds.registry import kind_of
from wanctl.kinds.snapshot import Listing
from wanctl.ledger.record import Generation, Record
from wanctl.studio.client import Studio
from wanctl.studio.errors import InvalidRequest, NotFound, StudioError
from wanctl.studio.objects import Job, LiveDeployment, RemoteFile

_NO_SUCH_CALL = frozenset({404, 405})

_Object = TypeVar("_Object")


@dataclass(frozen=True)
class KnownByLedger:
    """What the ledger knows of the account."""

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
    found = await _each(studio.files.get, {*kept, *read}, _not_told)
    if found:
        return found, jobs
    return tuple(kept.values()), tuple(job if _reads_only(job, kept) else _silent(job) for job in jobs)


async def deployments_one_by_one(
    studio: Studio, known: KnownByLedger, jobs: tuple[Job, ...]
) -> tuple[LiveDeployment, ...]:
    """Those that the ledger knows, and those that have the plain name of a job's model."""
    models = {job.finetuned_output for job in jobs if job.succeeded and job.finetuned_output}
    return await _each(studio.deployments.get, known.deployments() | models, _not_there)


async def _each(
    get: Callable[[str], Awaitable[_Object]], names: Iterable[str], absent: Callable[[StudioError], bool]
) -> tuple[_Object, ...]:
    """What is found of these names."""

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


def _not_told(error: StudioError) -> bool:
    """It is not there, or the service tells of no single file either."""
    return _not_there(error) or _unknown_call(error)


def _reads_only(job: Job, kept: dict[str, RemoteFile]) -> bool:
    return {*job.training_file_ids, *job.validation_file_ids} <= kept.keys()


def _silent(job: Job) -> Job:
    return job.model_copy(update={"training_file_ids": (), "validation_file_ids": ()})
