"""One request from its record to its video. A task is paid once: what may be under way is looked for first.

The record says ASKING before the call leaves, and has the task's id before anybody waits for it. Whatever
ends this run, the next one goes on from there.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wanctl.base.running import Clock
from wanctl.generation.body import VideoCall
from wanctl.generation.measuring import measured
from wanctl.generation.records import TaskRecord, TaskState, VideoFolder
from wanctl.generation.result import GenerationError, GenerationProgress, HearProgress, VideoResult, unheard
from wanctl.studio.client import Studio
from wanctl.studio.errors import InvalidRequest, LostAnswer, NotFound, StudioError
from wanctl.studio.objects import TaskRow, TaskStatus, VideoTask

LARGEST_VIDEO = 2 * 1024 * 1024 * 1024
SETTLING = timedelta(seconds=30)  # after a lost answer, until the list of tasks is believed
SKEW = timedelta(minutes=2)  # between this clock and the service's
TASK_LIFE = timedelta(hours=24)
LONGEST_WAIT = timedelta(hours=4)  # the service itself gives up after three
FIRST_LOOK, LONGEST_PAUSE = 5.0, 15.0  # seconds

_log = logging.getLogger("wanctl.generation")


@dataclass(frozen=True)
class VideoAccount:
    """Where videos are made: the service, its time, and a name by which its records are told from others'."""

    studio: Studio
    clock: Clock
    name: str


@dataclass(frozen=True)
class VideoRun:
    """How requests are carried out: where to, whether a finished one is made anew, whether to wait."""

    account: VideoAccount
    folder: VideoFolder
    again: bool = False
    task_id: str | None = None  # what a person says that the request's task is
    hear: HearProgress = unheard

    async def make(self, call: VideoCall) -> VideoResult:
        """The video of a call: kept from before, under way, or new."""
        key = call.key(self.account.name)
        async with self.folder.held(call.called.name, key):
            record = await self._begun(call, key)
            if record.state is TaskState.DONE:
                return await self._kept(record)
            return await self._finished(record)

    async def submit(self, call: VideoCall) -> TaskRecord:
        """The same, without waiting: the record has the task's id, or the video already."""
        key = call.key(self.account.name)
        async with self.folder.held(call.called.name, key):
            return await self._begun(call, key)

    async def resume(self, task_id: str) -> VideoResult:
        """The video of a task by its id, whoever began it."""
        record = self.folder.by_task(task_id)
        if record is None:
            now = self.account.clock.now()
            record = TaskRecord(
                key=task_id.replace("-", "") or "task",
                account=self.account.name,
                model="task",
                mode="",
                request={},
                state=TaskState.UNDER_WAY,
                asked_at=now,
                task_id=task_id,
            )
        async with self.folder.held(record.model, record.key):
            if record.state is TaskState.DONE and self.folder.file(record).exists():
                return await self._kept(record)
            return await self._finished(record)

    async def _begun(self, call: VideoCall, key: str) -> TaskRecord:
        """A record that has a task, or a video."""
        last = self.folder.latest(call.called.name, key)
        if self.task_id:
            return self.folder.write(self._new(call, key, last).model_copy(update=self._named()))
        match last.state if last else None:
            case TaskState.UNDER_WAY if last:
                return last
            case TaskState.ASKING if last:
                return await self._found(last) or await self._asked(call, last)
            case TaskState.DONE | TaskState.LOST if last and not self.again:
                return self._reusable(last)
        return await self._asked(call, self._new(call, key, last))

    def _named(self) -> dict[str, object]:
        return {"state": TaskState.UNDER_WAY, "task_id": self.task_id}

    def _reusable(self, last: TaskRecord) -> TaskRecord:
        if last.state is TaskState.DONE and self.folder.file(last).exists():
            return last
        recent = last.ended_at and self.account.clock.now() - last.ended_at < TASK_LIFE
        if last.state is TaskState.DONE and recent:  # the service has it still
            return last.model_copy(update={"state": TaskState.UNDER_WAY})
        gone = "its file is gone" if last.state is TaskState.DONE else "the service does not know it any more"
        raise GenerationError(
            f"this request was made before, as task {last.task_id}, and {gone}",
            "add --again to make it anew, which is paid again",
            task_id=last.task_id,
        )

    def _new(self, call: VideoCall, key: str, last: TaskRecord | None) -> TaskRecord:
        finished = last is not None and last.state in {TaskState.DONE, TaskState.LOST}
        attempt = 1 if last is None else last.attempt + finished
        return TaskRecord(
            key=key,
            attempt=attempt,
            account=self.account.name,
            model=call.called.name,
            mode=str(call.called.mode),
            request=call.shown(),
            prompt=call.request.prompt or "",
            seed=call.body["parameters"].get("seed"),
            state=TaskState.ASKING,
            asked_at=self.account.clock.now(),
        )

    async def _asked(self, call: VideoCall, record: TaskRecord) -> TaskRecord:
        """Upload what is local, then ask: the record first."""
        addresses = {}
        for place in call.uploads:
            self._say(record, f"uploading {place.file.name}")
            addresses[place.file.sha256] = await self.account.studio.temporary.upload(
                call.called.name, place.file.name, place.file.opened
            )
        body = call.filled(addresses)
        record = self.folder.write(record.model_copy(update={"asked_at": self.account.clock.now()}))

        async def send() -> TaskRecord:
            answer = await self.account.studio.tasks.submit(
                call.path, body, resolves_storage=call.resolves_storage
            )
            known = {"task_id": answer.value.task_id, "request_id": answer.request_id}
            return self.folder.write(record.model_copy(update={"state": TaskState.UNDER_WAY, **known}))

        try:
            return await self._undisturbed(send)
        except LostAnswer as lost:
            _log.warning("%s; looking for the task", lost)
            found = await self._found(record)
            if found is None:
                self.folder.forget(record)
                raise GenerationError(f"no task was started: {lost}", "run the same command again") from lost
            return found
        except StudioError as error:  # it says that nothing was begun
            self.folder.forget(record)
            raise translated(error) from error

    async def _undisturbed(self, send: Callable[[], Awaitable[TaskRecord]]) -> TaskRecord:
        """A call under way is finished and written, also when this run is to stop."""
        sending = asyncio.ensure_future(send())
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait([sending])
            if not sending.cancelled() and sending.exception() is None:
                await self._left(sending.result())
            raise

    async def _found(self, record: TaskRecord) -> TaskRecord | None:
        """The task that an unanswered call left behind; None if it left none."""
        clock = self.account.clock
        if clock.now() - record.asked_at > TASK_LIFE - SKEW:
            return self._in_doubt(
                f"this request was sent at {record.asked_at:%Y-%m-%d %H:%M}, no answer came, and the service"
                " does not say any more whether a task was started"
            )
        self._say(record, "looking for the task of an unanswered call")
        if (early := record.asked_at + SETTLING - clock.now()) > timedelta():
            await clock.sleep(early.total_seconds())
        rows = [
            row for row in await self.account.studio.tasks.list(record.model) if self._may_be(row, record)
        ]
        ours = [row for row in rows if await self._has_prompt(row, record)]
        if len(ours) > 1:
            names = ", ".join(row.task_id for row in ours)
            return self._in_doubt(
                f"no answer came to this request, and any of these tasks may be its own: {names}"
            )
        if not ours:
            return None
        found = {"state": TaskState.UNDER_WAY, "task_id": ours[0].task_id, "looked_up": True}
        return self.folder.write(record.model_copy(update=found))

    def _in_doubt(self, message: str) -> TaskRecord | None:
        """Only a person can say that it may be paid twice."""
        if self.again:
            return None
        raise GenerationError(
            message, "name its task with --task ID, or ask anew with --again, which may be paid twice"
        )

    def _may_be(self, row: TaskRow, record: TaskRecord) -> bool:
        """It began when the call was made, and no other request has it."""
        if row.begun is not None and row.begun < (record.asked_at - SKEW).timestamp():
            return False
        return self.folder.by_task(row.task_id) is None

    async def _has_prompt(self, row: TaskRow, record: TaskRecord) -> bool:
        """The prompt is told at the end only: until then nothing speaks against it."""
        return _same_prompt(await self.account.studio.tasks.get(row.task_id), record)

    async def _finished(self, record: TaskRecord) -> VideoResult:
        try:
            task = await self._waited(record)
        except asyncio.CancelledError:
            await asyncio.shield(self._left(record))
            raise
        if not task.succeeded:
            raise self._failed(record, task)
        return await self._downloaded(record, task)

    async def _waited(self, record: TaskRecord) -> VideoTask:
        assert record.task_id is not None  # noqa: S101 - it is under way
        clock, began, pause = self.account.clock, self.account.clock.now(), FIRST_LOOK
        while True:
            task = await self._looked(record)
            if task.ended:
                return task
            spent = (clock.now() - record.asked_at).total_seconds()
            self.hear(GenerationProgress(str(task.task_status), record.task_id, spent))
            if clock.now() - began > LONGEST_WAIT:
                raise self._still(record, f"is {task.task_status} after {LONGEST_WAIT}")
            await clock.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _looked(self, record: TaskRecord) -> VideoTask:
        assert record.task_id is not None  # noqa: S101 - it is under way
        try:
            return await self.account.studio.tasks.get(record.task_id)
        except StudioError as error:
            raise self._still(record, f"cannot be asked for now: {error}") from error

    def _still(self, record: TaskRecord, what: str) -> GenerationError:
        return GenerationError(
            f"task {record.task_id} {what}",
            f"it goes on; run the same command again, or wanctl generate --task {record.task_id}",
            task_id=record.task_id,
        )

    async def _left(self, record: TaskRecord) -> None:
        """This run is to stop: what has not begun is canceled, what runs is paid and goes on."""
        assert record.task_id is not None  # noqa: S101 - it is under way
        try:
            canceled = await self.account.studio.tasks.cancel(record.task_id)
        except StudioError as error:
            _log.info("canceling %s: %s", record.task_id, error)
            canceled = False
        if canceled:
            self._ended(record, TaskState.CANCELED)
            self._say(record, "canceled before it began; nothing is billed")
        else:
            self._say(
                record, f"goes on; wanctl generate --task {record.task_id} fetches its video within 24 h"
            )

    def _failed(self, record: TaskRecord, task: VideoTask) -> GenerationError:
        if task.task_status == TaskStatus.UNKNOWN:
            self._ended(record, TaskState.LOST)
            return GenerationError(
                f"the service knows no task {record.task_id}, or not any more: it keeps them for 24 hours",
                "add --again to make the video anew, which is paid again",
                task_id=record.task_id,
            )
        state = TaskState.CANCELED if task.task_status == TaskStatus.CANCELED else TaskState.FAILED
        self._ended(record, state, code=task.code, message=task.message)
        said = ": ".join(part for part in (task.code, task.message) if part)
        return GenerationError(
            f"task {record.task_id} {state}" + (f": {said}" if said else ""),
            _remedy(task),
            task_id=record.task_id,
        )

    async def _downloaded(self, record: TaskRecord, task: VideoTask) -> VideoResult:
        """At once: the link is good for a day."""
        file = self.folder.file(record)
        if not task.video_url:
            raise GenerationError(
                f"task {record.task_id} has succeeded, and its answer has no link to a video"
            )
        if record.looked_up and not _same_prompt(task, record):
            self.folder.forget(record)
            raise GenerationError(
                f"task {record.task_id} was taken for this request's and has another prompt",
                "run the same command again",
            )
        self._say(record, "downloading")
        await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
        await self.account.studio.download(task.video_url, file, max_bytes=LARGEST_VIDEO)
        seen = await asyncio.to_thread(measured, file)
        done = self._ended(
            record,
            TaskState.DONE,
            video=file.name,
            seconds=seen.seconds or _number(task.usage.get("duration")),
            fps=seen.fps,
            width=seen.width,
            height=seen.height,
        )
        return _result(done, file, task.video_url, cached=False)

    async def _kept(self, record: TaskRecord) -> VideoResult:
        file = self.folder.file(record)
        return _result(record, file, file.resolve().as_uri(), cached=True)

    def _ended(self, record: TaskRecord, state: TaskState, **known: object) -> TaskRecord:
        ended = {"state": state, "ended_at": self.account.clock.now(), **known}
        return self.folder.write(record.model_copy(update=ended))

    def _say(self, record: TaskRecord, what: str) -> None:
        self.hear(GenerationProgress(what, record.task_id))


def _same_prompt(task: VideoTask, record: TaskRecord) -> bool:
    return task.orig_prompt is None or task.orig_prompt.split() == record.prompt.split()


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _result(record: TaskRecord, file: Path, url: str, *, cached: bool) -> VideoResult:
    return VideoResult(
        video_url=url,
        duration=record.seconds,
        fps=record.fps,
        seed=record.seed,
        file=file,
        task_id=record.task_id or "",
        model=record.model,
        mode=record.mode,
        width=record.width,
        height=record.height,
        cached=cached,
        request_id=record.request_id,
    )


_REQUIRED = re.compile(r"Field required: input\.(\w+)")
_FIELDS = {
    "img_url": "a first frame: give --image FILE",
    "first_frame_url": "a first frame: give --image FILE",
    "last_frame_url": "a last frame: give --last-image FILE",
    "prompt": "a prompt: give --prompt TEXT",
    "reference_urls": "references: give --reference FILE, once for each",
    "function": "what is to be done: give --function NAME",
    "video_url": "a video: give --video FILE",
    "ref_images_url": "reference images: give --reference FILE, once for each",
}


def translated(error: StudioError) -> GenerationError:
    """What the service says of a request, in the words of the request."""
    said = error.service_message or ""
    if isinstance(error, InvalidRequest) and (found := _REQUIRED.search(said)):
        missing = _FIELDS.get(found[1], f"{found[1]} in the request's input")
        return GenerationError(f"the service refused the request: it needs {missing} ({error})")
    if isinstance(error, NotFound):
        return GenerationError(f"there is no such model to call: {error}", "look at its name: wanctl status")
    return GenerationError(str(error))


def _remedy(task: VideoTask) -> str | None:
    code = (task.code or "").lower()
    if "datainspection" in code:
        return "the prompt or an image was found unfit; change it, and run the command again"
    if "internalerror" in code:
        return "nothing is billed for a task that failed; run the same command again"
    return None
