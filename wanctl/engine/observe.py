"""Live → Snapshot. Every read is whole or it raises: a failed read is never taken for emptiness."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from wanctl.engine.unlisted import (
    Known,
    deployments_one_by_one,
    files_one_by_one,
    unless_unlisted,
)
from wanctl.kinds.snapshot import Question, Read, Snapshot
from wanctl.ledger.record import Record
from wanctl.studio.client import Studio
from wanctl.studio.errors import InvalidRequest, NotFound, UnsupportedState


async def observe(studio: Studio, now: Callable[[], datetime], record: Record) -> Snapshot:
    """The three lists. One that fails takes the others down with it; one that the service does not have is
    made up for by what the ledger and the jobs name."""
    async with asyncio.TaskGroup() as group:
        listing_files = group.create_task(unless_unlisted(studio.files.list()))
        listing_jobs = group.create_task(studio.jobs.list())
        listing_deployments = group.create_task(unless_unlisted(studio.deployments.list()))
    files, jobs, deployments = listing_files.result(), listing_jobs.result(), listing_deployments.result()
    unlisted = tuple(what for what, one in (("files", files), ("deployments", deployments)) if one is None)
    known = Known(record)
    if files is None:
        files, jobs = await files_one_by_one(studio, known, jobs)
    if deployments is None:
        deployments = await deployments_one_by_one(studio, known, jobs)
    return Snapshot(now(), files, jobs, deployments, unlisted=unlisted)


async def answer(studio: Studio, questions: Iterable[Question]) -> dict[Question, Any]:
    """The answers to questions; what is not found is None, every other failure raises.

    A job may have no log and say so in its own way: an answer as well, for no step follows from logs.
    """
    ordered = sorted(questions)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer(studio, question)) for question in ordered]
    return dict(zip(ordered, (task.result() for task in tasks), strict=True))


async def _answer(studio: Studio, question: Question) -> Any:
    reads: Mapping[Read, Callable[[str], Awaitable[Any]]] = {
        Read.FILE: studio.files.get,
        Read.JOB: studio.jobs.get,
        Read.CHECKPOINTS: studio.checkpoints.list,
        Read.VALIDATED: studio.jobs.validated,
        Read.LOGS: studio.jobs.logs,
        Read.DEPLOYMENT: studio.deployments.get,
    }
    try:
        return await reads[question.read](question.remote_id)
    except NotFound:
        return None
    except (InvalidRequest, UnsupportedState):
        if question.read is Read.LOGS:
            return None
        raise
