"""What is wrong with a dataset that could be read: a problem for each, with what to write instead."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from wanctl.dataset.annotations import Annotations, fault
from wanctl.dataset.contents import ANNOTATIONS, Problem, ProblemSeverity

_MOST_ADVICE = 50  # looking for a near miss takes a while among many members
_GB = 10**9
_GIB = 2**30


def find_problems(
    annotations: Annotations, members: Collection[str], unusable: Mapping[str, str], archive_size: int
) -> tuple[Problem, ...]:
    """All problems, those of data.jsonl first and by line."""
    named = [*annotations.problems, *_missing_members(annotations, members)]
    named.sort(key=lambda problem: problem.line or 0)
    clips = [
        Problem(ProblemSeverity.ERROR, f"{reason}; named in {_first_use(annotations, clip)}", clip)
        for clip, reason in sorted(unusable.items())
    ]
    return (*named, *clips, *_too_large(archive_size))


def missing_annotations(members: Collection[str]) -> Problem:
    """There is no data.jsonl at the root; where it may be instead."""
    deeper = next((name for name in sorted(members) if name.endswith(f"/{ANNOTATIONS}")), None)
    if deeper:
        message = f"is missing at the root; there is {deeper}: pack what is in the folder, not the folder"
    else:
        close = difflib.get_close_matches(ANNOTATIONS, members, n=1)
        message = "is missing" + (f"; is it {close[0]}?" if close else "")
    return fault(message)


def _missing_members(annotations: Annotations, members: Collection[str]) -> Iterator[Problem]:
    missing = [
        (sample.line, reference)
        for sample in annotations.samples
        for reference in sample.references
        if reference not in members
    ]
    for number, (line, reference) in enumerate(missing):
        near = near_miss(reference, members) if number < _MOST_ADVICE else None
        advice = f"; did you mean {near}?" if near else ""
        yield fault(f"names {reference}, which is not there{advice}", line)


def near_miss(reference: str, members: Collection[str]) -> str | None:
    """The member that was probably meant: the same but for its spelling, suffix or folder, or much alike."""
    wanted = PurePosixPath(reference)
    alike = (
        lambda name: PurePosixPath(name) == wanted,
        lambda name: name.lower() == reference.lower(),
        lambda name: PurePosixPath(name).with_suffix("") == wanted.with_suffix("") if wanted.name else False,
        lambda name: PurePosixPath(name).name.lower() == wanted.name.lower(),
    )
    for same in alike:
        if found := next((name for name in sorted(members) if same(name)), None):
            return found
    close = difflib.get_close_matches(reference, members, n=1, cutoff=0.8)
    return close[0] if close else None


def _first_use(annotations: Annotations, clip: str) -> str:
    line = next(sample.line for sample in annotations.samples if sample.video == clip)
    return f"{ANNOTATIONS}:{line}"


def _too_large(archive_size: int) -> Iterator[Problem]:
    if archive_size > _GIB:
        size = f"{archive_size / _GB:.2f} GB"
        yield Problem(ProblemSeverity.ERROR, f"the archive has {size}; the service takes 1 GB at most")
    elif archive_size > _GB:
        message = "the archive has a little more than 1 GB, which the service may not take"
        yield Problem(ProblemSeverity.WARNING, message)
