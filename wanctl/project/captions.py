"""Changes of many captions of a dataset at once, shown before they are written, and taken back."""

from dataclasses import dataclass
from pathlib import Path

from wanctl.address import Address
from wanctl.dataset.caption_edits import (
    CaptionEdit,
    CaptionFile,
    Edit,
    edits_of,
    with_effect,
    with_prefix,
    with_replaced,
)
from wanctl.dataset.contents import ANNOTATIONS, DatasetFacts
from wanctl.project import Project
from wanctl.project.datasets import dataset_address
from wanctl.project.errors import ProjectError
from wanctl.project.local import shown_path


@dataclass(frozen=True)
class Wanted:
    """The one change that a person asks for."""

    effect: Path | None = None  # a file with the description of the effect
    prefix: str | None = None
    replaced: tuple[str, str] | None = None
    undo: bool = False


@dataclass(frozen=True)
class CaptionChanges:
    """What would change, and the file that it is in."""

    address: Address
    edits: tuple[CaptionEdit, ...]
    file: CaptionFile

    def write(self) -> None:
        self.file.apply(self.edits)


def caption_changes(project: Project, name: str, wanted: Wanted) -> CaptionChanges:
    """The captions that differ once it is done; nothing is written yet."""
    if sum((wanted.effect is not None, wanted.prefix is not None, bool(wanted.replaced), wanted.undo)) != 1:
        raise ProjectError("say one change", "--set-effect FILE, --prefix WORD, --replace A B or --undo")
    address = dataset_address(project, name)
    folder = project.datasets.path(address)
    if not folder.is_dir() or project.desired.local_source(address) is None:
        raise ProjectError(
            f"{address} is no folder here", "unpack it into one, and change the captions there"
        )
    if not (folder / ANNOTATIONS).exists():
        raise ProjectError(
            f"{shown_path(folder)} has no {ANNOTATIONS}", f"begin one: wanctl dataset annotate {address.name}"
        )
    file = CaptionFile(folder)
    if wanted.undo:
        return CaptionChanges(address, file.kept(), file)
    facts = project.datasets.facts(address)
    return CaptionChanges(address, edits_of(facts.samples, _edit(wanted, facts)), file)


def _edit(wanted: Wanted, facts: DatasetFacts) -> Edit:
    if wanted.effect is not None:
        try:
            return with_effect(facts.samples, wanted.effect.read_text(encoding="utf-8"))
        except OSError as error:
            raise ProjectError(f"{wanted.effect}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise ProjectError(f"{wanted.effect}: is not UTF-8") from error
    if wanted.prefix is not None:
        return with_prefix(wanted.prefix)
    return with_replaced(*(wanted.replaced or ("", "")))
