"""Former names: `moved_from` in a document, and `moved` in wanctl.yaml, as one thing.

The loader calls this; the planner does the moving.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from wanctl.address import Address
from wanctl.base.words import did_you_mean
from wanctl.finding import Place
from wanctl.language.findings import Findings
from wanctl.language.resources import Rename, Resource
from wanctl.language.settings import Moved
from wanctl.rules import Rule


@dataclass(frozen=True)
class Stated:
    """A line of `moved` in wanctl.yaml, and where its two names stand."""

    moved: Moved
    path: str
    old: Place
    new: Place


def moves_of(
    resources: Mapping[Address, Resource],
    stated: Iterable[Stated],
    unread: Collection[str],
    findings: Findings,
) -> dict[Address, tuple[Rename, ...]]:
    """Resource → what it was before, the nearest name first; every statement that cannot be is reported."""
    renames = _Renames(resources, findings)
    for rename in (*_in_documents(resources), *_in_settings(stated, findings)):
        renames.add(rename)
    return dict(renames.chains(unread))


def _in_documents(resources: Mapping[Address, Resource]) -> Iterator[Rename]:
    for address, resource in resources.items():
        if name := resource.spec.moved_from:
            place = resource.places.get("moved_from", resource.origin)
            path = f"{address}.moved_from"
            old = Address(address.kind, name)
            yield Rename(old, address, f"moved_from: {name}", path, place, resource.origin)


def _in_settings(stated: Iterable[Stated], findings: Findings) -> Iterator[Rename]:
    for one in stated:
        old, new = Address.parse(one.moved.from_), Address.parse(one.moved.to)
        rename = Rename(old, new, f"moved: {old} → {new}", one.path, one.old, one.new, stays=True)
        if old.kind is new.kind:
            yield rename
        else:
            why = f"a {old.kind} does not become a {new.kind}"
            _complain(findings, one.new, rename, why, f"write to: {old.kind}/{new.name}")


class _Renames:
    """The statements so far, each name at most once on either side."""

    def __init__(self, resources: Mapping[Address, Resource], findings: Findings) -> None:
        self._resources = resources
        self._findings = findings
        self._by_old: dict[Address, Rename] = {}
        self._by_new: dict[Address, Rename] = {}

    def add(self, one: Rename) -> None:
        twice, other = self._by_old.get(one.old), self._by_new.get(one.new)
        if twice and twice.new == one.new:
            return
        standing = self._resources.get(one.old)
        if one.old == one.new:
            self._refuse(one, "it has that name", "delete the line, or write the name that it had")
        elif standing:
            hint = "delete that document if it is the same resource, or this line if it is another"
            self._refuse(one, f"{one.old} is still here, at {standing.origin}", hint)
        elif twice:
            self._refuse(one, f"{one.old} became {twice.new}, by {twice.place}", "keep one of them")
        elif other:
            self._refuse(one, f"{one.new} was {other.old}, by {other.place}", "keep one of them")
        else:
            self._by_old[one.old] = self._by_new[one.new] = one

    def chains(self, unread: Collection[str]) -> Iterator[tuple[Address, tuple[Rename, ...]]]:
        """From what is in the specs back through what it was."""
        ends = [one for one in self._by_new.values() if one.new not in self._by_old]
        reached: set[Address] = set()
        for end in ends:
            chain = tuple(self._back(end))
            reached |= {one.new for one in chain}
            if end.new in self._resources:
                yield end.new, chain
            elif end.new.name not in unread and not self._findings.incomplete:
                self._report_missing(end)
        self._report_circles([one for one in self._by_new.values() if one.new not in reached])

    def _back(self, end: Rename) -> Iterator[Rename]:
        one: Rename | None = end
        while one:
            yield one
            one = self._by_new.get(one.old)

    def _report_missing(self, one: Rename) -> None:
        names = [address.name for address in self._resources if address.kind is one.new.kind]
        near = did_you_mean(one.new.name, names)
        hint = f"did you mean {one.new.kind}/{near}?" if near else "write its document, or delete the line"
        _complain(self._findings, one.target, one, f"there is no {one.new}", hint)

    def _report_circles(self, left: list[Rename]) -> None:
        told: set[Address] = set()
        for one in left:
            if one.new in told:
                continue
            around = [one.old]
            while around[-1] != one.old or len(around) == 1:
                around.append(self._by_old[around[-1]].new)
            told |= set(around)
            why = f"it goes in a circle, {' → '.join(map(str, around))}"
            self._refuse(one, why, "delete the lines that were applied everywhere")

    def _refuse(self, one: Rename, why: str, hint: str) -> None:
        _complain(self._findings, one.place, one, why, hint)


def _complain(findings: Findings, place: Place, one: Rename, why: str, hint: str) -> None:
    findings.error(place, Rule.MOVED_FROM, f"{one.spelled} cannot be: {why}", path=one.path, hint=hint)
