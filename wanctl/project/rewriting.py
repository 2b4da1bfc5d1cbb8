"""A file of the specs, written anew for one resource: the specs are read as they would be, before it is.

If anything but what was meant were different then, the file stays as it was.
"""

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.base.files import replace_file
from wanctl.language.findings import SpecErrors
from wanctl.language.load import load_project
from wanctl.language.models import DatasetPart
from wanctl.language.resources import Resource
from wanctl.language.root import Root
from wanctl.project.errors import ProjectError
from wanctl.project.local import shown_path

if TYPE_CHECKING:
    from wanctl.project import Project


@dataclass(frozen=True)
class SpecEdit:
    """A file of the specs before and after."""

    address: Address
    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """As git shows it."""
        path = self.path.resolve()
        name = path.relative_to(Root.around(path.parent).path).as_posix()
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{name}",
            f"b/{name}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def text_of(path: Path) -> str:
    """With the ends of its lines as they are."""
    with path.open(encoding="utf-8", newline="") as stream:
        return stream.read()


def rewrite(
    project: "Project", edit: SpecEdit, own: Collection[str], fits: Callable[[Resource], bool]
) -> None:
    """Write the file, once it is known what the specs would be."""
    check_edit(project, edit, own, fits)
    if text_of(edit.path) != edit.before:
        raise ProjectError(f"{shown_path(edit.path)} was written meanwhile", "run the command again")
    replace_file(edit.path, edit.after)


def check_edit(
    project: "Project", edit: SpecEdit, own: Collection[str], fits: Callable[[Resource], bool]
) -> None:
    """Read the specs as they would be. `own` are the fields that may differ, and the resource has to fit."""
    from wanctl.project import Project

    desired = project.desired
    try:
        loaded = load_project(desired.directory, desired.environment, {edit.path: edit.after})
    except (SpecErrors, OSError) as error:
        raise ProjectError(
            f"{shown_path(edit.path)} could not take the change: {error}", "nothing was written"
        ) from error
    other = _difference(project, Project(loaded, project.host), edit.address, own)
    if other is None and not fits(loaded.resources[edit.address]):
        other = str(edit.address)
    if other:
        raise ProjectError(
            f"writing that would have changed {other}, too", "nothing was written: do it by hand"
        )


def _difference(before: "Project", after: "Project", edited: Address, own: Collection[str]) -> str | None:
    """What differs besides these fields."""
    if list(before.desired.resources) != list(after.desired.resources):
        return "which resources there are"
    for address, resource in before.desired.resources.items():
        now = after.desired.resources[address]
        follows = isinstance(now.spec, DatasetPart) and edited in now.references
        if address != edited and not follows and now.spec != resource.spec:
            return str(address)
    old, new = (one.desired.resources[edited].spec.model_dump(exclude=set(own)) for one in (before, after))
    return None if old == new else str(edited)
