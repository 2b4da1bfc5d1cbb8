"""The datasets on this machine: read once a run, packed only when an upload needs the bytes."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wanctl.address import Address
from wanctl.dataset.checks import check_dataset, in_order
from wanctl.dataset.contents import DatasetError, DatasetFacts, LocalData
from wanctl.dataset.reading import read_dataset
from wanctl.dataset.splitting import DrawnPart
from wanctl.finding import Finding, Severity
from wanctl.language.findings import SpecErrors
from wanctl.language.models import Dataset, DatasetPart, FineTune
from wanctl.language.resources import Desired
from wanctl.language.root import likely_meant
from wanctl.language.rules.datasets import uses_of
from wanctl.language.rules.values import check
from wanctl.project.host import STATE_FOLDER
from wanctl.rules import Rule

if TYPE_CHECKING:
    from wanctl.dataset.drafts import DraftCache

Tick = Callable[[int], None]
Reading = Callable[[], AbstractContextManager[Tick]]
_NOTHING = LocalData(None)
_VIEWED_AT_ONCE = 16  # clips, after which their measures are kept, also if the rest is given up


@contextmanager
def silently() -> Iterator[Tick]:
    """Nobody watches."""
    yield lambda _: None


class LocalDatasets:
    """Finds, reads and packs the datasets of a project. `cache` is a folder of this machine's own."""

    def __init__(self, desired: Desired, cache: Path, *, trust_cache: bool = True) -> None:
        self._desired = desired
        self._cache = cache
        self._trust_cache = trust_cache
        self.fetches = True  # what is behind a URL; else it is missing here

    def read(self, tick: Tick = lambda _: None) -> dict[Address, LocalData]:
        """Every dataset but those that somebody uploaded. What cannot be read is a value, with its reason."""
        local = {
            address: self._read(address, tick)
            for address, resource in self._desired.resources.items()
            if isinstance(resource.spec, Dataset) and not resource.spec.source.elsewhere
        }
        return self._checked(local)

    def read_all_of(self, address: Address) -> LocalData:
        """One dataset, fetched if need be, also when its digest is locked."""
        return self._checked({address: self._read(address, fetching=True)})[address]

    def _checked(self, local: dict[Address, LocalData]) -> dict[Address, LocalData]:
        """With what is wrong with each, in itself and for its uses."""
        uses = uses_of(self._desired, {address: data.facts for address, data in local.items()})
        checked = {}
        for address, data in local.items():
            found = check_dataset(data.facts, uses.get(address, ())) if data.facts else ()
            locks = (one for one in self._whole_of(address, local).problems if one.rule is Rule.DIGEST)
            checked[address] = replace(data, problems=(*data.problems, *locks, *found))
        return checked

    def _whole_of(self, address: Address, local: dict[Address, LocalData]) -> LocalData:
        """The Dataset that a part is drawn from: what its digest locks, the parts are locked to."""
        spec = self._spec(address)
        whole = Address.dataset(spec.of) if isinstance(spec, DatasetPart) else None
        return local.get(whole, _NOTHING) if whole else _NOTHING

    def _read(self, address: Address, tick: Tick = lambda _: None, *, fetching: bool = False) -> LocalData:
        spec, source = self._spec(address), self._desired.local_source(address)
        shown = shown_path(source) if source else spec.source.shown_url
        if source is None and self._locked(spec) and not fetching:
            return LocalData(None, source=shown, fetchable=True)
        if source is None and not self.fetches:
            return LocalData(None, source=shown, missing=True)
        if source is not None and not source.exists():
            near = likely_meant(source, shown)
            meant = f"; did you mean {near}?" if near else ""
            problem = None if self._locked(spec) else f"its source {shown} is not there{meant}"
            return LocalData(None, problem, shown, missing=True)
        try:
            facts = self.facts(address, tick)
        except (DatasetError, OSError) as error:
            return LocalData(None, f"its source {shown} cannot be read: {error}", shown)
        return LocalData(facts, source=shown, problems=_broken_lock(address, spec, facts))

    def _locked(self, spec: Dataset) -> bool:
        """Whether it can be known without its bytes; of a part the ledger may know it then."""
        whole = self._spec(Address.dataset(spec.of)) if isinstance(spec, DatasetPart) else spec
        return whole.digest is not None

    def facts(self, address: Address, tick: Tick = lambda _: None) -> DatasetFacts:
        """Read one dataset, fetching it first if it is behind a URL."""
        cache = self._cache if self._trust_cache else None
        spec = self._spec(address)
        return read_dataset(self.path(address), cache, exclude=spec.exclude, part=_part_of(spec), tick=tick)

    def viewed(self, address: Address, data: LocalData, tick: Tick = lambda _: None) -> LocalData:
        """With what is to be said of the content of its clips; each clip is looked at once."""
        from wanctl.dataset.checks.content import check_content, viewed_clips
        from wanctl.dataset.checks.wording import check_wording
        from wanctl.dataset.clip_measures import MeasureCache

        facts, spec = data.facts, self._spec(address)
        if facts is None or isinstance(spec, DatasetPart):  # of a part it is told with its whole
            return data
        cache = MeasureCache(self._cache)
        known = cache.recall() if self._trust_cache else {}
        wanted = {sha256: name for name, sha256 in viewed_clips(facts).items()}
        fresh = {sha256: name for sha256, name in wanted.items() if sha256 not in known}
        if fresh:
            from wanctl.dataset.looking import view_clips

            try:
                for begin in range(0, len(fresh), _VIEWED_AT_ONCE):
                    clips = dict([*fresh.items()][begin : begin + _VIEWED_AT_ONCE])
                    found = view_clips(self.path(address), clips, spec.exclude, tick)
                    cache.remember(found)
                    known |= found
            except (DatasetError, OSError):
                return data  # it was there a moment ago; the next command says what is wrong
        content = check_content(facts, known, spec.thresholds)
        wording = check_wording(facts)
        return replace(data, problems=in_order((*data.problems, *wording, *content)))

    def drafts(self) -> "DraftCache":
        """The captions that were drafted before."""
        from wanctl.dataset.drafts import DraftCache

        return DraftCache(self._cache)

    def path(self, address: Address) -> Path:
        """Its folder or .zip on this machine."""
        source = self._desired.local_source(address)
        if source is not None:
            return source
        url = self._spec(address).source.url
        if url is None:
            raise DatasetError(f"{address} is uploaded already; its content is not on this machine")
        from wanctl.dataset.remote import fetch

        return fetch(url, self._cache / "sources")

    def write_archive(self, address: Address, facts: DatasetFacts, destination: Path) -> None:
        from wanctl.dataset.archive import write_archive

        spec = self._spec(address)
        write_archive(self.path(address), facts, destination, exclude=spec.exclude, part=_part_of(spec))

    def _spec(self, address: Address) -> Dataset:
        spec = self._desired.resources[address].spec
        assert isinstance(spec, Dataset)  # noqa: S101 - its address says so
        return spec


def _part_of(spec: Dataset) -> DrawnPart | None:
    return spec.part if isinstance(spec, DatasetPart) else None


def with_counted(errors: SpecErrors, reading: Reading, *, trust_cache: bool) -> SpecErrors:
    """With the errors that show once samples are counted: a person is not to meet them only after the others.
    Only what lies on this machine is read."""
    desired = errors.readable
    trained = {
        Address.dataset(name)
        for resource in (desired.resources.values() if desired else ())
        if isinstance(resource.spec, FineTune)
        for name in resource.spec.training
    }
    if desired is None or not trained:
        return errors
    datasets = LocalDatasets(desired, desired.directory / STATE_FOLDER / "cache", trust_cache=trust_cache)
    facts: dict[Address, DatasetFacts | None] = {}
    with reading() as tick:
        for address in trained & desired.sources.keys() & desired.resources.keys():
            try:
                facts[address] = datasets.facts(address, tick)
            except (DatasetError, OSError):
                facts[address] = None
    return errors.beside(one for one in check(desired, facts) if one.severity is Severity.ERROR)


def _broken_lock(address: Address, spec: Dataset, facts: DatasetFacts) -> tuple[Finding, ...]:
    found = f"sha256:{facts.digest}"
    if spec.digest in {None, found}:
        return ()
    message = (
        f"the content is {found[:23]}…, and the spec has locked {spec.digest[:23] if spec.digest else ''}…"
    )
    return (
        Finding.error(
            Rule.DIGEST,
            message,
            hint=f"bring it back; or, if the new content is meant: wanctl dataset lock {address.name}",
        ),
    )


def shown_path(path: Path) -> str:
    """The path as a person would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class Packer:
    """Gives the archive of a dataset as a temporary file, and cleans up after the upload."""

    def __init__(self, datasets: LocalDatasets, local: dict[Address, LocalData], place: Path) -> None:
        self._datasets = datasets
        self._local = local
        self._place = place

    @asynccontextmanager
    async def archive(self, address: Address, digest: str) -> AsyncIterator[Path]:
        """The packed content; an error if it is not, byte for byte, what the digest says."""
        import asyncio

        facts = self._local[address].facts
        if facts is None:
            facts = await asyncio.to_thread(self._datasets.facts, address)
        if facts.digest != digest:
            raise DatasetError(
                f"{address} has the content sha256:{facts.digest[:16]}, and sha256:{digest[:16]} is to be "
                "uploaded; nothing was"
            )
        with _own_folder(self._place) as folder:
            path = folder / "dataset.zip"
            await asyncio.to_thread(self._datasets.write_archive, address, facts, path)
            yield path


@contextmanager
def _own_folder(place: Path) -> Iterator[Path]:
    """A folder for this process, gone afterwards; those of processes that were killed go, too."""
    import tempfile

    place.mkdir(parents=True, exist_ok=True)
    sweep_packed(place)
    with tempfile.TemporaryDirectory(dir=place, prefix=f"{os.getpid()}-") as folder:
        yield Path(folder)


def sweep_packed(place: Path) -> None:
    """Delete the archives of processes that were killed: each is as large as its dataset."""
    import shutil

    from wanctl.base.running import is_alive

    for left in place.iterdir() if place.is_dir() else ():
        if not is_alive(left.name.partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
