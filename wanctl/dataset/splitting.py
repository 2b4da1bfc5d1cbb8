"""Draws a validation set from a training set: the same one each time, and no source file in both.

Samples go together that are cut from one file, by origins.jsonl, or that share a file. Each such group has a
number that only the seed and its own name decide, and groups are taken in that order until the share is full:
a sample that comes or goes elsewhere moves few others.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from wanctl.dataset.contents import DatasetError


class Side(StrEnum):
    """The two parts of a dataset."""

    TRAINING = "training"
    VALIDATION = "validation"


@dataclass(frozen=True)
class DrawnPart:
    """One side of a split."""

    side: Side
    share: float  # of the samples that are for validation
    seed: int


@dataclass(frozen=True)
class _Group:
    """Samples that stay together."""

    name: str
    samples: tuple[int, ...]


def drawn(
    samples: Sequence[tuple[str, ...]], origins: Mapping[str, str], share: float, seed: int
) -> frozenset[int]:
    """The numbers of the samples that are for validation; a sample is the files that it names."""
    groups = _groups(samples, origins)
    if len(groups) < 2:
        why = "all samples are of one source file" if samples else "it has no samples"
        raise DatasetError(f"no validation set can be drawn: {why}")
    wanted = max(1, round(Fraction(str(share)) * len(samples)))
    shuffled = sorted(groups, key=lambda one: (_number(one.name, seed), one.name))
    chosen: list[_Group] = []
    for group in shuffled:
        if sum(len(one.samples) for one in chosen) + len(group.samples) <= wanted:
            chosen.append(group)
    chosen = chosen or [min(shuffled, key=lambda one: len(one.samples))]
    if len(chosen) == len(groups):
        chosen.pop()  # something has to be left to train on
    return frozenset(number for group in chosen for number in group.samples)


def _number(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode()).digest()


def _groups(samples: Sequence[tuple[str, ...]], origins: Mapping[str, str]) -> list[_Group]:
    """Joined by what they have in common; named by the least of it, so that order says nothing."""
    leaders: dict[str, str] = {}

    def leader(key: str) -> str:
        while leaders.setdefault(key, key) != key:
            key = leaders[key]
        return key

    keys = [_keys(paths, origins, number) for number, paths in enumerate(samples)]
    for first, *others in keys:
        for other in others:
            one, two = sorted((leader(first), leader(other)))
            leaders[two] = one
    found: dict[str, list[int]] = {}
    for number, (first, *_) in enumerate(keys):
        found.setdefault(leader(first), []).append(number)
    return [_Group(name, tuple(numbers)) for name, numbers in found.items()]


def _keys(paths: tuple[str, ...], origins: Mapping[str, str], number: int) -> list[str]:
    """What a sample is joined by: its files, and the file that it was cut from."""
    cut_from = {f"from {origins[path]}" for path in paths if path in origins}
    return sorted({*cut_from, *(f"with {path}" for path in paths)}) or [f"line {number}"]


def read_origins(content: bytes) -> dict[str, str]:
    """Clip → the file that it was cut from, by its fingerprint; lines that say neither are passed over."""
    found = {}
    for line in content.splitlines():
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(fields, dict) and isinstance(fields.get("clip"), str):
            origin = fields.get("fingerprint") or fields.get("file")
            if isinstance(origin, str) and origin:
                found[fields["clip"]] = origin
    return found
