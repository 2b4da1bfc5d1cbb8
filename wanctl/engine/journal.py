"""The ledger while an apply runs: intent before each call, result after it, every line stamped and saved."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from wanctl.address import Address
from wanctl.kinds.acting import CallResult
from wanctl.ledger.record import Entry, Generation, HistoryLine, Intent, Record, Verb
from wanctl.plan import Effect

Change = Callable[[Record], Record]


@dataclass(frozen=True)
class Stamp:
    """Who runs this, from which commit, in which CI run."""

    by: str | None = None
    commit: str | None = None
    run: str | None = None


class Journal:
    """Each entry of it returns once it is saved."""

    def __init__(
        self,
        save: Callable[[Record], Record],
        record: Record,
        stamp: Stamp,
        now: Callable[[], datetime],
        references: Mapping[Address, tuple[Address, ...]] | None = None,
    ) -> None:
        self._saving = RecordWriter(save, record)
        self._stamp = stamp
        self._now = now
        self._references = references or {}
        self.trained: Record | None = None  # the ledger of whoever trains for this environment

    @property
    def record(self) -> Record:
        return self._saving.record

    async def begin(self, effect: Effect) -> None:
        """Written before the call is made: a crash from here on is an open intent, never a silent one. A run
        that lost its lease cannot write it, and so makes no call."""
        intent = Intent(
            address=str(effect.address),
            verb=effect.verb,
            identity=effect.identity,
            inputs=effect.inputs(),
            seen=getattr(effect, "seen", ()),
            at=self._now(),
        )
        await self._saving.save(lambda record: record.with_intent(intent))

    async def succeeded(self, effect: Effect, result: CallResult) -> None:
        line = self._line(
            effect.address,
            effect.verb,
            "ok",
            remote_id=result.remote_id,
            request_id=result.request_id,
            note=result.note,
        )

        def change(before: Record) -> Record:
            record = before.without_intent(effect.address)
            if result.moved_from:
                record = record.renamed(result.moved_from, effect.address)
                return self._told(record, line, record.entry(effect.address).current)
            record = record.with_entry(effect.address, result.entry)
            ids = (result.remote_id, effect.identity)
            return self._told(record, line, _object(ids, effect.address, record, before))

        await self._saving.save(change)

    async def unsent(self, effect: Effect) -> None:
        """The call was not begun: nothing is to be remembered."""
        await self._saving.save(lambda record: record.without_intent(effect.address))

    async def failed(
        self, effect: Effect, note: str, request_id: str | None, entry: Entry | None = None
    ) -> None:
        """The call surely had no effect: the intent is closed. An entry remembers what it taught."""
        line = self._line(effect.address, effect.verb, "failed", request_id=request_id, note=note)

        def change(record: Record) -> Record:
            sent = self._sent(effect, record)
            record = self._told(record.without_intent(effect.address), line, sent)
            return record if entry is None else record.with_entry(effect.address, entry)

        await self._saving.save(change)

    async def turned_away(self, effect: Effect, note: str, request_id: str | None) -> None:
        """Refused for now: as a failure, but the same refusal again and again is one line of the history."""
        address = str(effect.address)
        last = next((line for line in reversed(self.record.history) if line.address == address), None)
        if last and (last.verb, last.result, last.note) == (effect.verb, "failed", note):
            await self._saving.save(lambda record: record.without_intent(effect.address))
            return
        await self.failed(effect, note, request_id)

    async def lost(self, effect: Effect, note: str) -> None:
        """The call may have had its effect: the intent stays open, and the settle time starts now."""
        line, at = self._line(effect.address, effect.verb, "lost", note=note), self._now()

        def change(record: Record) -> Record:
            intent = record.intent(effect.address)
            record = self._told(record, line, self._sent(effect, record))
            return record.with_intent(intent.model_copy(update={"at": at})) if intent else record

        await self._saving.save(change)

    async def learn(self, learned: Mapping[Address, Entry], answered: Collection[Address] = ()) -> None:
        """Note what the reads showed: objects of ours that were not known, and the end of open calls."""
        if learned or answered:
            await self._saving.save(lambda record: self._with_learned(record, learned, answered))

    def _with_learned(
        self, before: Record, learned: Mapping[Address, Entry], answered: Collection[Address]
    ) -> Record:
        record = before
        for address in answered:
            if record.intent(address):
                record = record.without_intent(address)
        for address, entry in learned.items():
            found = entry.current
            record = record.with_entry(address, entry)
            intent = record.intent(address)
            verb: str = Verb.LOOK
            if intent and _answered(intent, entry):
                record, verb = record.without_intent(address), intent.verb
            if found and found != before.entry(address).current:
                line = self._line(address, verb, "found", remote_id=found.remote_id)
                record = self._told(record, line, found)
        return record

    async def note(
        self, address: Address, verb: str, entry: Entry | None, remote_id: str | None, note: str
    ) -> None:
        """Something that a person told us: an adoption, which answers an open call, or that something is not
        ours, which does not."""
        line = self._line(address, verb, "noted", remote_id=remote_id, note=note)

        def change(record: Record) -> Record:
            record = record.without_intent(address) if verb == Verb.ADOPT else record
            record = record.with_entry(address, entry)
            bound = entry.current if entry and verb == Verb.ADOPT else None
            return self._told(record, line, bound)

        await self._saving.save(change)

    def _told(self, record: Record, line: HistoryLine, made: Generation | None) -> Record:
        """With the line, and the inputs of the object that it is about."""
        if made is None:
            return record.with_history(line)
        records = (record, *([self.trained] if self.trained else []))
        from wanctl.engine.history import inputs_kept_of

        kept = inputs_kept_of(Address.parse(line.address), made, records, self._references)
        return record.with_history(line.model_copy(update={"config": kept.digest}), configs=kept.configs)

    def _sent(self, effect: Effect, record: Record) -> Generation:
        """What a call was about that made nothing, as far as is known."""
        there = _object((effect.identity,), effect.address, record, record)
        return there or Generation(
            remote_id="", identity=effect.identity, inputs=effect.inputs(), since=self._now()
        )

    def _line(
        self,
        address: Address,
        verb: str,
        result: Literal["ok", "failed", "lost", "found", "noted"],
        **more: Any,
    ) -> HistoryLine:
        return HistoryLine(
            at=self._now(),
            address=str(address),
            verb=verb,
            result=result,
            by=self._stamp.by,
            commit=self._stamp.commit,
            run=self._stamp.run,
            **more,
        )


def _answered(intent: Intent, entry: Entry) -> bool:
    """The reads showed what the call was for: its answer is not missed any more."""
    found = entry.current
    if intent.verb == Verb.DELETE:
        return intent.identity not in {one.remote_id for one in (found, *entry.retiring) if one}
    if intent.verb == Verb.WITHDRAW:
        return found is not None
    return found is not None and found.identity == intent.identity


def _object(
    ids: tuple[str | None, ...], address: Address, record: Record, before: Record
) -> Generation | None:
    """The object that a call made, changed or ended: as it left it in the ledger, else as it was before."""
    entries = [record.entry(address), before.entry(address)]
    entries += [before.entry(before.owners[one]) for one in ids if address.name == one in before.owners]
    found = (one for entry in entries for one in (*entry.generations, *entry.retiring))
    return next((one for one in found if one.remote_id in ids), None)


class RecordWriter:
    """Saves the changes of steps that run side by side together.

    A store may be a push over a slow line away, so that a save is made off the event loop, one at a time, and
    what is to be saved meanwhile goes into the next one as a whole. Nobody goes on before its own change is
    saved: no call is made before its intent is written. `record` is what the store last saved, and nothing
    that could not be.
    """

    def __init__(self, write: Callable[[Record], Record], record: Record) -> None:
        self.record = record
        self._write = write
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def save(self, change: Change) -> None:
        """Returns once the record is saved with this change; raises what kept it from being saved."""
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, saved))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await saved

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting, []
                await self._write_together(together)
        finally:
            self._writer = None

    async def _write_together(self, together: list[tuple[Change, asyncio.Future[None]]]) -> None:
        failure: BaseException | None = None
        try:
            record = self.record
            for change, _ in together:
                record = change(record)
            if record is not self.record:
                self.record = await asyncio.to_thread(self._write, record)
        except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
            failure = error
        for _, saved in together:
            if saved.done():
                continue  # who waited was canceled
            if failure:
                saved.set_exception(failure)
            else:
                saved.set_result(None)
