"""The datasets on this machine: read once a run, packed only when an upload needs the bytes."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from wanctl.dataset.archive import write_archive
from wanctl.dataset.contents import DatasetError
from wanctl.dataset.reading import read_dataset
from wanctl.kinds.world import LocalData
from wanctl.spec.models import Dataset
from wanctl.spec.resources import Address, Desired


def read_local(desired: Desired, cache: Path) -> dict[Address, LocalData]:
    """Every dataset that has a local source. What cannot be read is a value, with its reason."""
    local: dict[Address, LocalData] = {}
    for address, resource in desired.resources.items():
        spec = resource.spec
        if not isinstance(spec, Dataset):
            continue
        source = desired.local_source(address)
        if source is not None:
            local[address] = _read(source, cache)
    return local


def _read(source: Path, cache: Path) -> LocalData:
    if not source.exists():
        return LocalData(None, f"its source {shown_path(source)} is not there")
    try:
        return LocalData(read_dataset(source, cache))
    except (DatasetError, OSError) as error:
        return LocalData(None, f"its source {shown_path(source)} cannot be read: {error}")


def shown_path(path: Path) -> str:
    """The path as a person would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class Packer:
    """Gives the archive of a dataset as a temporary file, and cleans up after the upload."""

    def __init__(self, desired: Desired, local: dict[Address, LocalData]) -> None:
        self._desired = desired
        self._local = local

    @asynccontextmanager
    async def archive(self, address: Address) -> AsyncIterator[Path]:
        facts, source = self._local[address].facts, self._desired.local_source(address)
        if facts is None or source is None:
            raise DatasetError(f"{address} has no local source to upload")
        with tempfile.TemporaryDirectory(prefix="wanctl-") as folder:
            path = Path(folder) / "dataset.zip"
            await asyncio.to_thread(write_archive, source, facts, path)
            yield path
