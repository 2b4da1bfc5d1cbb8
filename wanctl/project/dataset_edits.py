"""What a person changes of a dataset by its page: a caption in data.jsonl, and what exclude: leaves out.

Each edit opens the project anew, since files may be written meanwhile, and writes one line or one item.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from wanctl.dataset.caption_edits import CaptionEdit, CaptionFile
from wanctl.dataset.contents import ANNOTATIONS, DatasetError, Sample
from wanctl.dataset.selecting import exclusion_of
from wanctl.language.inspection import Inspection
from wanctl.language.splicing import with_item, without_item
from wanctl.project import Project
from wanctl.project.datasets import dataset_address, inspect, written_address
from wanctl.project.errors import ProjectError
from wanctl.project.rewriting import SpecEdit, rewrite, text_of

_FIELD = "exclude"
LONGEST_CAPTION = 20_000  # characters


@dataclass(frozen=True)
class DatasetEditor:
    """The edits of one Dataset, one after the other."""

    opened: Callable[[], Project]
    name: str
    lock: Lock

    @classmethod
    def of(cls, opened: Callable[[], Project], name: str) -> "DatasetEditor":
        """Raises where its captions are not in a folder here."""
        made = cls(opened, name, Lock())
        made._folder(opened())
        return made

    def look(self) -> Inspection:
        return inspect(self.opened(), self.name)

    def excluding(self) -> tuple[str, ...]:
        """The patterns of exclude: as the specs have them."""
        return _patterns(self.opened(), self.name)

    def write_caption(self, line: int, before: str, after: str) -> str:
        """Another caption for a line; refused if it is not any more what the person saw."""
        if line < 1:
            raise ProjectError("lines are counted from 1")
        text = after.strip()
        if len(text) > LONGEST_CAPTION:
            raise ProjectError(f"a caption has {LONGEST_CAPTION:,} characters at most")
        with self.lock:
            folder = self._folder(self.opened())
            try:
                CaptionFile(folder).apply([CaptionEdit(line, before, text)])
            except DatasetError:
                raise
            except (IndexError, ValueError) as error:
                raise ProjectError(f"line {line} of {ANNOTATIONS} is no sample any more") from error
        return f"Line {line} of {ANNOTATIONS} is written."

    def undo(self) -> str:
        """Take the last caption back; once more, and it is there again."""
        with self.lock:
            file = CaptionFile(self._folder(self.opened()))
            back = file.kept()
            file.apply(back)
        lines = ", ".join(str(one.line) for one in back)
        return f"Taken back: line {lines} of {ANNOTATIONS}."

    def leave_out(self, sample: Sample) -> SpecEdit:
        """Exclude a sample by its clip, or what it has instead."""
        return self._edit(exclusion_of(_mark_of(sample)), present=True)

    def take_in(self, sample: Sample) -> SpecEdit:
        """Take the exclusion back that `leave_out` wrote."""
        return self._edit(exclusion_of(_mark_of(sample)), present=False)

    def _edit(self, pattern: str, *, present: bool) -> SpecEdit:
        with self.lock:
            project = self.opened()
            resource = project.desired.resources[dataset_address(project, self.name)]
            path = Path(resource.origin.file)
            before, line = text_of(path), resource.origin.line
            after: str | None = before
            if present != (pattern in _patterns(project, self.name)):
                after = (
                    with_item(before, line, _FIELD, pattern, after="source")
                    if present
                    else without_item(before, line, _FIELD, pattern)
                )
            if after is None:
                raise ProjectError(f"{resource.origin} does not hold the document any more", "load the page")
            edit = SpecEdit(resource.address, path, before, after)
            if before != after:
                patterns = [one for one in _patterns(project, self.name) if one != pattern]
                wanted = (*patterns, pattern) if present else tuple(patterns)
                rewrite(project, edit, (_FIELD,), lambda now: getattr(now.spec, _FIELD) == wanted)
            return edit

    def _folder(self, project: Project) -> Path:
        address = written_address(project, self.name)
        folder = project.datasets.path(address)
        if not folder.is_dir() or project.desired.local_source(address) is None:
            raise ProjectError(f"{address} is no folder here", "unpack it into one, and edit it there")
        if not (folder / ANNOTATIONS).exists():
            raise ProjectError(
                f"{address} has no {ANNOTATIONS}", f"begin one: wanctl dataset annotate {address.name}"
            )
        return folder


def is_own_exclusion(sample: Sample, patterns: tuple[str, ...]) -> bool:
    """Whether the page can take it in again: a pattern leaves out this sample alone."""
    return bool(sample.references) and exclusion_of(_mark_of(sample)) in patterns


def _mark_of(sample: Sample) -> str:
    if not sample.references:
        raise ProjectError(f"line {sample.line} names no file that could be excluded", "take the line out")
    return sample.video or sample.references[0]


def _patterns(project: Project, name: str) -> tuple[str, ...]:
    spec = project.desired.resources[dataset_address(project, name)].spec
    patterns: tuple[str, ...] = getattr(spec, _FIELD)
    return patterns
