"""Evaluation: the questions that a trained model is to be asked, kept in the account as a file.

A kind as somebody else would write it: everything that wanctl has to know of it is here, and nothing of
wanctl knows it. The name of its file says whose it is, of which training, and what is in it.
"""

import json
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from wanctl.address import NAME, Address, Kind
from wanctl.base.values import Identifier
from wanctl.kinds.acting import CallResult, Tools
from wanctl.kinds.case import FieldRule, FieldTable
from wanctl.kinds.context import Context, Planned
from wanctl.kinds.dataset.case import DeleteFile
from wanctl.kinds.importing import Importable, Inventory, Writing
from wanctl.kinds.kind import (
    Adopting,
    AdoptionRefused,
    Cadence,
    OrphanToDelete,
    OutputWords,
    Pruning,
    Reader,
    ResourceKind,
)
from wanctl.kinds.snapshot import Question, Snapshot, digest_of
from wanctl.language.fields import Name, Text
from wanctl.language.models import Resourceful, State
from wanctl.language.resources import DocumentKind, Reference, Resource
from wanctl.ledger.record import Generation, Verb
from wanctl.plan import Action, Change, FieldClass, Orphan, Progress, Step, When
from wanctl.studio.objects import RemoteFile

EVALUATION = Kind.register("Evaluation")
READ_SHEET = "evaluation sheet"
_FILE = re.compile(
    rf"(?P<project>{NAME})\.eval\.(?P<finetune>{NAME})\.(?P<name>{NAME})\.[0-9a-f]{{16}}\.jsonl"
)


class Evaluation(Resourceful):
    """Questions that a trained model is asked, one prompt each."""

    finetune: Name = Field(examples=["money-rain"])
    """The name of the FineTune whose model is asked."""
    prompts: tuple[Text, ...] | None = Field(default=None, min_length=1, examples=[["a street at night"]])
    """What it is asked."""
    file_id: Identifier | None = Field(default=None, examples=["file-ft-b2416bacc4d742"])
    """A sheet of questions that is in the account already."""


FIELDS = FieldTable(
    FieldRule("prompts", FieldClass.IMMUTABLE, "a sheet is known by its questions", "new questions")
)


@dataclass(frozen=True)
class UploadSheet:
    """POST the questions as a file."""

    address: Address
    identity: str
    filename: str
    prompts: tuple[str, ...]
    verb: Verb = Verb.UPLOAD

    def inputs(self) -> dict[str, Any]:
        return {"filename": self.filename, "prompts": list(self.prompts)}

    async def perform(self, tools: Tools) -> CallResult:
        with tempfile.TemporaryDirectory() as folder:
            sheet = Path(folder) / "sheet.jsonl"
            sheet.write_text("".join(json.dumps({"prompt": one}) + "\n" for one in self.prompts), "utf-8")
            answer = await tools.studio.files.upload(sheet, self.filename)
        made = tools.generation(answer.value.id, self.identity, self.inputs())
        return CallResult(tools.entry.with_current(made), answer.value.id, answer.request_id)


class EvaluationKind(ResourceKind):
    """Uploaded once the training is done."""

    kind = EVALUATION
    document = DocumentKind(
        Evaluation, (Reference("finetune", Kind.FINETUNE),), one_of=("prompts", "file_id")
    )
    fields = FIELDS
    cadence = Cadence(2, 5)
    output = OutputWords("file_id", "is not uploaded")
    reads: ClassVar[Mapping[str, Reader]] = {
        READ_SHEET: lambda studio, remote_id: studio.files.get(remote_id)
    }

    def plan(self, resource: Resource, context: Context) -> Planned:
        spec, address = resource.spec, resource.address
        assert isinstance(spec, Evaluation)
        known = context.entry(address).current
        if spec.file_id:
            return self._plan_given(address, spec.file_id, context)
        prompts = spec.prompts or ()
        digest = digest_of([spec.finetune, list(prompts)])
        filename = f"{context.project}.eval.{spec.finetune}.{address.name}.{digest[:16]}.jsonl"
        live = next((file for file in context.snapshot.files if file.filename == filename), None)
        summary = f"{len(prompts)} questions"
        if spec.state is State.ABSENT:
            return self._plan_absent(address, live, context)
        if live and live.usable:
            step = Step(address, Action.NOTHING, When.DONE, "uploaded", remote_id=live.id, summary=summary)
            learned = {"filename": filename, "prompts": list(prompts)}
            learn = context.learned(context.entry(address), live.id, digest, learned)
            return Planned(step, learn=learn)
        if live:
            step = Step(
                address, Action.UPLOAD, When.SERVICE, "being processed", remote_id=live.id,
                progress=Progress(str(live.status)), summary=summary,
            )  # fmt: skip
            return Planned(step)
        before = known.inputs.get("prompts") if known else None
        changes = (self._change(before, prompts),)
        training = Address.finetune(spec.finetune)
        trained = context.model(training).model_name is not None
        step = Step(
            address,
            Action.UPLOAD,
            When.NOW if trained else When.LATER,
            FIELDS.why(changes) if before else "not uploaded yet",
            after=() if trained else (training,),
            changes=changes,
            summary=summary,
            effect=UploadSheet(address, digest, filename, prompts) if trained else None,
        )
        return Planned(step)

    def _change(self, before: list[str] | None, prompts: tuple[str, ...]) -> Change:
        return FIELDS.change("prompts", before, list(prompts))

    def _plan_given(self, address: Address, file_id: str, context: Context) -> Planned:
        found = context.snapshot.file_by_id.get(file_id) or context.ask(READ_SHEET, file_id)
        there = isinstance(found, RemoteFile)
        reason = "in the account" if there else f"there is no file {file_id}"
        when = When.DONE if there else When.BLOCKED
        return Planned(Step(address, Action.NOTHING, when, reason, remote_id=file_id))

    def _plan_absent(self, address: Address, live: RemoteFile | None, context: Context) -> Planned:
        if live is None:
            return Planned(Step(address, Action.NOTHING, When.DONE, "absent, as wanted"))
        effect = DeleteFile(address, live.id)
        return Planned(
            Step(address, Action.DELETE, When.NOW, context.why_gone, remote_id=live.id, effect=effect)
        )

    def watched(self, step: Step) -> tuple[Question, ...]:
        return (Question(READ_SHEET, step.remote_id),) if step.remote_id else ()

    def orphans(self, context: Context, used: Collection[str | None]) -> Iterable[Orphan]:
        for file in context.snapshot.files:
            named = _FILE.fullmatch(file.filename)
            if named and named["project"] == context.project and file.id not in used:
                yield Orphan(self.kind, file.id, file.filename)

    def standing(self, snapshot: Snapshot) -> Collection[str]:
        return {file.id for file in snapshot.files if _FILE.fullmatch(file.filename)}

    def former_name(self, snapshot: Snapshot, remote_id: str) -> str | None:
        file = snapshot.file_by_id.get(remote_id)
        named = _FILE.fullmatch(file.filename) if file else None
        return named["name"] if named else None

    def prune(self, one: OrphanToDelete, pruning: Pruning) -> Step:
        file = pruning.context.snapshot.file_by_id.get(one.remote_id)
        if file is None:
            return one.gone()
        if not pruning.is_orphan(one):
            return one.no_orphan()
        return one.deletion(
            When.NOW, f"{one.why}; {file.filename}", effect=DeleteFile(one.address, one.remote_id)
        )

    async def adopt(self, adopting: Adopting) -> tuple[Generation, str]:
        file = await adopting.studio.files.get(adopting.remote_id)
        if not _FILE.fullmatch(file.filename):
            raise AdoptionRefused(f"{file.filename} is no sheet of questions")
        sentence = f"{file.id} stands for {adopting.resource.address} from now on"
        return adopting.generation(file.id, {"filename": file.filename}), sentence

    def importable(self, inventory: Inventory) -> Iterable[Importable]:
        for file in inventory.snapshot.files:
            named = _FILE.fullmatch(file.filename)
            if named and not inventory.taken(self.kind, file.id):
                yield Importable(file.id, partial(_write, file=file), named["project"])


def _write(writing: Writing, file: RemoteFile) -> None:
    named = _FILE.fullmatch(file.filename)
    assert named
    address = writing.address(EVALUATION, named["name"])
    fields = {"finetune": named["finetune"], "file_id": file.id}
    writing.write(address, file.id, fields, (file.filename,), adopt=True)
