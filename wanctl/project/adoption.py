"""import and adopt: specs are written for what is live, and the ledger learns which object each one is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wanctl.address import Address
from wanctl.base.files import create_file
from wanctl.base.running import run
from wanctl.engine.adoption import (
    Imported,
    ImportRefused,
    adopt,
    adopt_all,
    disown,
    documents_of,
    questions_of,
)
from wanctl.engine.observe import answer
from wanctl.kinds.importing import Inventory
from wanctl.kinds.together import is_made_elsewhere
from wanctl.language.writing import yaml_text
from wanctl.plan import Plan
from wanctl.project import Project
from wanctl.project.local import shown_path
from wanctl.project.promotion import made_elsewhere

DEFAULT_FILE = "imported.yaml"


@dataclass(frozen=True)
class ImportDraft:
    """The file that an import would write."""

    imported: Imported
    text: str
    path: Path

    @property
    def has_documents(self) -> bool:
        """Comments alone are no specs, and would be proposed again and again."""
        return any(not one.proposed for one in self.imported.documents)

    def require_room(self) -> None:
        if self.path.exists():
            raise ImportRefused(
                f"{shown_path(self.path)} is there already, and nothing is overwritten: "
                "name another with --to"
            )


@dataclass(frozen=True)
class ImportResult:
    """The adoptions, in sentences, and the plan that is left."""

    sentences: tuple[str, ...]
    plan: Plan


def draft_import(project: Project, ids: Collection[str], to: Path | None) -> ImportDraft:
    """Read the account, and put documents together; nothing is written."""
    path = _place(project, to)

    async def work() -> tuple[Imported, datetime]:
        async with project.session() as session:
            plan = (await session.survey()).plan
            assert session.snapshot is not None  # noqa: S101 - a survey leaves one
            inventory = Inventory(project.desired, plan, session.journal.record, session.snapshot)
            answers = await answer(session.studio, questions_of(inventory))
            full = Inventory(
                project.desired, plan, session.journal.record, session.snapshot.with_answers(answers)
            )
            return documents_of(full, ids), session.clock.now()

    imported, now = run(work())
    head = (
        f"Imported from the account on {now:%Y-%m-%d}: what is live, as far as the service tells it.",
        "Rename and reorder as you like; a renamed document says moved_from: with the name it had.",
    )
    return ImportDraft(imported, yaml_text(imported.documents, head), path)


def carry_out_import(project: Project, draft: ImportDraft, *, adopts: bool) -> ImportResult | None:
    """Write the file, which must not be there yet, and adopt.

    If that fails the file is taken back, unless the ledger knows of a part of it already: what is in the
    ledger and in no document would be deleted by the next apply.
    """
    _write_new(draft.path, draft.text)
    if not adopts:
        return None
    before = project.record().serial
    try:
        return _adopted(project, draft.imported)
    except BaseException:
        if project.record().serial == before:
            draft.path.unlink()
        raise


def _write_new(path: Path, text: str) -> None:
    """The whole file at once, or none: a half of it would be specs, too."""
    try:
        create_file(path, text)
    except FileExistsError:
        raise ImportRefused(f"{shown_path(path)} is there already, and nothing is overwritten") from None
    except OSError as error:
        raise ImportRefused(f"{shown_path(path)} cannot be written: {error.strerror}") from error


def _adopted(project: Project, imported: Imported) -> ImportResult:
    """The project is read anew, with the file in it; adoptions first, then what plain reading shows."""
    desired = project.desired
    fresh = Project.open(desired.directory, desired.environment, project.host, project.tell)

    async def work() -> ImportResult:
        async with fresh.leased() as store, fresh.session(store) as session:
            sentences = await adopt_all(session, imported.adoptions)
            draft = await session.survey()
            await session.journal.learn(draft.learned)
            return ImportResult(tuple(sentences), draft.plan)

    return run(work())


def _place(project: Project, to: Path | None) -> Path:
    """Where the specs are looked for, and nothing else is."""
    folder = project.desired.directory
    path = (to or folder / DEFAULT_FILE).absolute()
    if path.suffix not in {".yaml", ".yml"}:
        raise ImportRefused(f"{path.name} is no name of a spec: it has to end in .yaml")
    beneath = path.resolve().is_relative_to(folder.resolve())
    if not beneath or any(
        part.startswith(".") for part in path.resolve().relative_to(folder.resolve()).parts
    ):
        raise ImportRefused(
            f"{to} is not among the specs of this project: name a file in {shown_path(folder)}"
        )
    return path


def bind(project: Project, address: Address, remote_id: str | None, foreign_id: str | None) -> str:
    """Adopt or disown, under the lease: it writes the ledger."""
    if is_made_elsewhere(address, project.desired):
        given = remote_id or f"--not {foreign_id}"
        raise made_elsewhere(address, project.desired, f"adopt {address} {given}")

    async def work() -> str:
        async with project.leased() as store, project.session(store) as session:
            if remote_id is not None:
                return await adopt(session, address, remote_id)
            assert foreign_id is not None  # noqa: S101 - the command takes exactly one
            return await disown(session, address, foreign_id)

    return run(work())
