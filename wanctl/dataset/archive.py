"""The archive that is uploaded: from a folder always the same bytes, from a zip the zip itself.

A zip of which something is left out is packed anew, as a folder is.

Nothing that was remembered is trusted here: what goes into the archive is hashed as it is written, and
must be what the facts say.
"""

import shutil
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from wanctl.base.files import PRIVATE, beside
from wanctl.dataset.contents import ChangedDuringReadError, DatasetFacts, Member
from wanctl.dataset.reading import Tick, hash_member
from wanctl.dataset.selecting import dataset_at
from wanctl.dataset.source import SourceFiles, Zip
from wanctl.dataset.splitting import DrawnPart

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can name
_READABLE = 0o100644 << 16
_UNIX = 3


def write_archive(
    source: Path,
    facts: DatasetFacts,
    destination: Path,
    *,
    exclude: Sequence[str] = (),
    part: DrawnPart | None = None,
    tick: Tick = lambda _: None,
) -> None:
    """The archive of the dataset that `facts` describes; an error if it is no longer that dataset."""
    with beside(destination, mode=PRIVATE) as archive, dataset_at(source, exclude, part) as opened:
        if opened.whole:
            _copy(source, facts, archive, tick)
        else:
            _pack(opened, facts, archive, tick)


def _pack(source: SourceFiles, facts: DatasetFacts, archive: Path, tick: Tick) -> None:
    """Sorted, stored, with fixed times and rights: the same members give the same bytes."""
    listed = {one.name: one for one in source.members()}
    _require_same(set(listed), facts)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packing:
        for member in facts.members:
            with source.open(member.name) as content, packing.open(_info(member), "w") as packed:
                _require(member, hash_member(listed[member.name], content, packed))
            tick(member.size)


def _info(member: Member) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(member.name, _EPOCH)
    info.file_size = member.size  # decides on zip64 before the bytes are there
    info.external_attr = _READABLE
    info.create_system = _UNIX
    return info


def _copy(source: Path, facts: DatasetFacts, archive: Path, tick: Tick) -> None:
    """Copy first, then hash what the copy holds: nobody changes that."""
    shutil.copyfile(source, archive)
    with closing(Zip(archive, lambda _: False)) as copy:
        listed = copy.members()
        _require_same({one.name for one in listed}, facts)
        for one in listed:
            with copy.open(one.name) as content:
                _require(facts.by_name[one.name], hash_member(one, content))
            tick(one.size)


def _require_same(names: set[str], facts: DatasetFacts) -> None:
    if differing := names ^ {member.name for member in facts.members}:
        raise ChangedDuringReadError(f"{min(differing)}: came or went since the dataset was read")


def _require(expected: Member, found: Member) -> None:
    if found != expected:
        raise ChangedDuringReadError(f"{expected.name}: changed since the dataset was read")
