"""Live → Snapshot. Every read is whole or it raises: a failed read is never taken for emptiness."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from wanctl.engine.unlisted import (
    KnownByLedger,
    deployments_one_by_one,
    files_one_by_one,
    unless_unlisted,
)
from wanctl.kinds.registry import reads
from wanctl.kinds.snapshot import Listing, Question, Snapshot
from wanctl.ledger.record import Record
from wanctl.studio.client import Studio
from wanctl.studio.errors import NotFound


async def observe(studio: Studio, now: Callable[[], datetime], record: Record) -> Snapshot:
    """The three lists. One that fails takes the others down with it; one that the service does not have is
    made up for by what the ledger and the jobs name."""
    async with asyncio.TaskGroup() as group:
        listing_files = group.create_task(unless_unlisted(studio.files.list()))
        listing_jobs = group.create_task(studio.jobs.list())
        listing_deployments = group.create_task(unless_unlisted(studio.deployments.list()))
    files, jobs, deployments = listing_files.result(), listing_jobs.result(), listing_deployments.result()
    lists = ((Listing.FILES, files), (Listing.DEPLOYMENTS, deployments))
    unlisted = tuple(listing for listing, found in lists if found is None)
    known = KnownByLedger(record)
    if files is None:
        files, jobs = await files_one_by_one(studio, known, jobs)
    if deployments is None:
        deployments = await deployments_one_by_one(studio, known, jobs)
    return Snapshot(now(), files, jobs, deployments, unlisted=unlisted)


async def answer(studio: Studio, questions: Iterable[Question]) -> dict[Question, Any]:
    """The answers to questions; what is not found is None, every other failure raises."""
    ordered = sorted(questions)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer(studio, question)) for question in ordered]
    return dict(zip(ordered, (task.result() for task in tasks), strict=True))


async def _answer(studio: Studio, question: Question) -> Any:
    try:
        return await reads()[question.read](studio, question.remote_id)
    except NotFound:
        return None
