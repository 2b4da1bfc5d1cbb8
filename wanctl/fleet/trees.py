"""One repository of the fleet on disk: a tree for each commit that somebody still works with.

A round reads its data sets from the tree that it began with, for as long as an upload takes. A new commit is
laid out beside it meanwhile.
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wanctl.watch.checkout import Checkout, Commit


@dataclass(frozen=True)
class Tree:
    """A commit, laid out."""

    checkout: Checkout
    commit: Commit

    @property
    def top(self) -> Path:
        return self.checkout.directory

    def of(self, folder: str) -> Checkout:
        """The same for one of the projects in it."""
        return replace(self.checkout, within=self.checkout.within / folder)


class Trees:
    """Brings out the newest commit of the ref. Its methods block, and are called one at a time."""

    def __init__(self, folder: Path, ref: str, room: Path, environ: Mapping[str, str]) -> None:
        checkout = Checkout.of(folder, ref, room / "0", environ)
        self._stop = threading.Event()
        self._checkout = replace(checkout, clone=replace(checkout.clone, stop=self._stop))
        self._room = room
        self._laid_out: dict[Path, Commit] = {}

    def newest(self, in_use: Collection[Path]) -> Tree:
        """The ref's commit in a tree; in a new one where all others are in use."""
        tip = self._checkout.tip()
        for place, commit in self._laid_out.items():
            if commit.id == tip:
                return Tree(replace(self._checkout, tree=place), commit)
        place = self._free(in_use)
        self._laid_out.pop(place, None)
        checkout = replace(self._checkout, tree=place)
        self._laid_out[place] = commit = checkout.update()
        return Tree(checkout, commit)

    def stop(self) -> None:
        """End what git is at, for good."""
        self._stop.set()

    def _free(self, in_use: Collection[Path]) -> Path:
        number = 0
        while (place := self._room / str(number)) in in_use:
            number += 1
        return place
