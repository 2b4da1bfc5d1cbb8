"""The case of one Dataset: its content, what is known of it at the service, and the calls for it.

An upload and a deletion say what each leaves in the ledger's entry.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wanctl.address import Address
from wanctl.base.words import counted, spell_bytes
from wanctl.dataset.contents import DatasetFacts, LocalData
from wanctl.dataset.manifest import manifest
from wanctl.kinds.acting import CallResult, OnRemote, Tools
from wanctl.kinds.case import Case, FieldRule, FieldTable
from wanctl.kinds.snapshot import Read
from wanctl.language.models import Dataset, DatasetPart
from wanctl.ledger.record import Verb
from wanctl.plan import Change, FieldClass
from wanctl.studio.objects import RemoteFile

_BY_CONTENT = "a dataset is known by its content"
FIELDS = FieldTable(
    FieldRule("content", FieldClass.IMMUTABLE, _BY_CONTENT, "the content changed", in_summary=True),
    FieldRule("caption", FieldClass.IMMUTABLE, _BY_CONTENT),
)


@dataclass(frozen=True)
class DatasetContent:
    """The content that is to be live: known by the files, or by the digest that the spec has locked."""

    digest: str
    summary: str
    facts: DatasetFacts | None
    fetchable: bool  # an upload can have the bytes
    drawn: dict[str, Any] | None = None  # of a part: from which content, and how

    def inputs(self, filename: str, size: int | None) -> dict[str, Any]:
        """The ledger's record of the upload."""
        kept = manifest(self.facts) if self.facts else {}
        return {"filename": filename, "size": size, **kept, **({"drawn": self.drawn} if self.drawn else {})}


@dataclass(frozen=True)
class DatasetCase(Case):
    """One Dataset whose media or digest the specs name."""

    @property
    def spec(self) -> Dataset:
        assert isinstance(self.resource.spec, Dataset)  # noqa: S101 - the registry pairs them
        return self.resource.spec

    @property
    def local(self) -> LocalData:
        return self.context.local[self.address]

    @cached_property
    def content(self) -> DatasetContent | None:
        """None: the source cannot be read here, and no digest is locked."""
        facts = self.local.facts
        if facts:
            return DatasetContent(
                facts.digest, _summary(facts) + self._of_whole, facts, fetchable=True, drawn=self.drawn
            )
        if self.spec.digest is None:
            return self._drawn_before
        digest = self.spec.digest.removeprefix("sha256:")
        kept = self.entry.generation(digest)
        parts = [f"sha256:{digest[:16]} as locked, bytes not seen"]
        if kept and "samples" in kept.inputs:
            parts = [counted(len(kept.inputs["samples"]), "sample"), *parts]
        return DatasetContent(digest, ", ".join(parts), None, self.local.fetchable)

    @cached_property
    def part(self) -> DatasetPart | None:
        """The side of a split that it is, if it is one."""
        return self.spec if isinstance(self.spec, DatasetPart) else None

    @cached_property
    def drawn(self) -> dict[str, Any] | None:
        """From which content a part is drawn, and how; None where that content is not known."""
        if self.part is None:
            return None
        whole = self.context.dataset(Address.dataset(self.part.of)).content
        return {"from": whole, **self.part.drawn.model_dump()} if whole else None

    @property
    def _of_whole(self) -> str:
        return f", drawn from Dataset/{self.part.of}" if self.part else ""

    @property
    def _drawn_before(self) -> DatasetContent | None:
        """Without its bytes a part is known if the ledger has one that was drawn in the same way."""
        kept = next((one for one in self.entry.generations if one.inputs.get("drawn") == self.drawn), None)
        if kept is None or self.drawn is None:
            return None
        count = counted(len(kept.inputs.get("samples", ())), "sample")
        return DatasetContent(kept.identity, f"{count}{self._of_whole}, bytes not seen", None, False)

    @property
    def parts(self) -> tuple[Address, ...]:
        """The parts that are drawn from it for somebody."""
        return self.context.parts.get(self.address.name, ())

    @property
    def unneeded(self) -> str | None:
        """Why nothing of it is uploaded, though it is to be there."""
        if self.part:
            return None if self.part.needed else "what it is drawn for is absent"
        if not self.parts or set(self.context.users(self.address)) - set(self.parts):
            return None
        return f"uploaded in {len(self.parts)} parts"

    def change(self, digest: str) -> Change:
        before = self.entry.current
        old = f"sha256:{before.identity[:16]}" if before else None
        return FIELDS.change("content", old, f"sha256:{digest[:16]}")

    def asked(self, file_id: str) -> RemoteFile | None:
        """A list may lag behind an upload: a known file is asked for by its id."""
        asked = self.context.ask(Read.FILE, file_id)
        return asked if isinstance(asked, RemoteFile) else None

    def listed(self, digest: str) -> list[RemoteFile]:
        """Our uploads of this content."""
        return self.context.snapshot.files_by_content.get((self.context.project, digest[:16]), [])


def _summary(facts: DatasetFacts) -> str:
    parts = [counted(len(facts.samples), "sample")]
    if facts.seconds:
        parts.append(f"{facts.total_seconds:.0f} s")
    parts.append(spell_bytes(facts.size))
    return ", ".join(parts)


@dataclass(frozen=True)
class Upload:
    """POST the archive under a name that says whose it is and what is in it."""

    address: Address
    content: str
    filename: str
    size: int | None
    kept: dict[str, Any]  # what the ledger keeps of it, once it is there
    verb: Verb = Verb.UPLOAD

    @property
    def identity(self) -> str:
        return self.content

    def inputs(self) -> dict[str, Any]:
        return {"filename": self.filename, "size": self.size}

    async def perform(self, tools: Tools) -> CallResult:
        async with tools.archive(self.address, self.content) as path:
            answer = await tools.studio.files.upload(
                path, self.filename, progress=lambda sent: tools.uploaded(self.address, sent)
            )
        made = tools.generation(answer.value.id, self.content, self.kept)
        return CallResult(tools.entry.with_current(made), answer.value.id, answer.request_id)


@dataclass(frozen=True)
class DeleteFile(OnRemote):
    """DELETE an upload of ours that the spec declares absent."""

    verb: Verb = Verb.DELETE

    async def perform(self, tools: Tools) -> CallResult:
        answer = await tools.studio.files.delete(self.remote_id)
        return CallResult(tools.entry.without(self.remote_id), self.remote_id, answer.request_id)
