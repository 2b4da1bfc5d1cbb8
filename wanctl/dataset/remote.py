"""Datasets behind a URL: brought to this machine through fsspec, and not again while they are unchanged.

What counts as unchanged is what the store says of a file: its etag or checksum, else its time and size.
Where it says nothing of the kind the file is fetched each time.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from wanctl.base.files import PRIVATE, beside
from wanctl.base.redaction import without_secrets
from wanctl.base.words import first_line
from wanctl.dataset.contents import DatasetError
from wanctl.dataset.source import ORIGINS, check_name, is_litter

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

EXTRAS = {"s3": "s3", "oss": "oss", "https": "http", "http": "http", "gs": "gs", "az": "az"}
_MOST_FILES = 20_000
_MOST_BYTES = 8_000_000_000
_STAMPS = ("etag", "md5", "md5hash", "content_md5", "checksum", "crc32c", "generation", "versionid")
_TIMES = ("lastmodified", "last_modified", "mtime", "updated")


def fetch(url: str, cache: Path, tick: Callable[[int], None] = lambda _: None) -> Path:
    """The folder or .zip at the URL, as a folder or .zip under `cache`."""
    filesystem, root = _open(url)
    place = cache / hashlib.sha256(url.encode()).hexdigest()[:32]
    try:
        remote = _listing(filesystem, root, url)
        _bring(filesystem, remote, place, tick)
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(f"{_shown(url)}: cannot be read: {_said(error)}") from error
    zipped = [name for name in remote if name.lower().endswith(".zip")]
    return place / zipped[0] if _is_zip(url) and zipped else place


def _open(url: str) -> "tuple[AbstractFileSystem, str]":
    scheme = url.partition(":")[0].lower()
    try:
        import fsspec
        from fsspec.core import url_to_fs

        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        extra = EXTRAS.get(scheme, scheme)
        raise DatasetError(
            f"{_shown(url)}: the driver for {scheme}:// is not installed: pip install 'wanctl[{extra}]'"
        ) from error
    try:
        filesystem, root = url_to_fs(url)
    except Exception as error:
        raise DatasetError(f"{_shown(url)}: cannot be opened: {_said(error)}") from error
    return filesystem, str(root)


def _shown(url: str) -> str:
    """A link may be signed: what is behind its question mark is nobody's business."""
    return without_secrets(url)


def _said(error: Exception) -> str:
    """What a driver says; where that is the address alone, what it met there."""
    if isinstance(error, FileNotFoundError) and error.__cause__:
        met = without_secrets(first_line(str(error.__cause__))) or type(error.__cause__).__name__
        return f"there is nothing, or nobody who answers ({met})"
    return without_secrets(first_line(str(error))) or type(error).__name__


def _is_zip(url: str) -> bool:
    return PurePosixPath(re.split(r"[?#]", url)[0]).suffix.lower() == ".zip"


def _listing(filesystem: "AbstractFileSystem", root: str, url: str) -> dict[str, Mapping[str, Any]]:
    """Name in the dataset → what the store says of it."""
    if _is_zip(url):
        info = filesystem.info(root)
        return {"dataset.zip": {"name": root, **info}}
    found = filesystem.find(root, detail=True)
    if not found:
        raise DatasetError(f"{_shown(url)}: there is nothing")
    base = root.rstrip("/") + "/"
    remote = {}
    for path, info in found.items():
        name = path.removeprefix(base).lstrip("/")
        if name == ORIGINS or not any(map(is_litter, PurePosixPath(name).parts)):
            check_name(name)
            remote[name] = info
    if len(remote) > _MOST_FILES or sum(info.get("size") or 0 for info in remote.values()) > _MOST_BYTES:
        raise DatasetError(
            f"{_shown(url)}: is far larger than the service takes; is it the right folder? "
            "Nothing was fetched"
        )
    return remote


def _bring(
    filesystem: "AbstractFileSystem",
    remote: Mapping[str, Mapping[str, Any]],
    place: Path,
    tick: Callable[[int], None],
) -> None:
    """Make the folder hold what the store does: new and changed files are fetched, gone ones removed."""
    index = place.with_suffix(".index.json")
    known = _known(index)
    fresh = {name: _stamp(info) for name, info in remote.items()}
    for path in place.rglob("*") if place.is_dir() else ():
        if path.is_file() and path.relative_to(place).as_posix() not in remote:
            path.unlink()
    for name, info in remote.items():
        target = place / name
        if not fresh[name] or known.get(name) != fresh[name] or not target.is_file():
            _fetch_file(filesystem, str(info["name"]), target)
        tick(info.get("size") or 0)
    index.write_text(json.dumps(fresh), encoding="utf-8")


def _fetch_file(filesystem: "AbstractFileSystem", path: str, target: Path) -> None:
    """Streamed beside its place, then renamed: what is cut off leaves nothing that looks whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with beside(target, mode=PRIVATE) as partial:
        filesystem.get_file(path, str(partial))


def _known(index: Path) -> dict[str, str]:
    try:
        known = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _stamp(info: Mapping[str, Any]) -> str:
    """The marks that tell one content of a file from another; empty if there are none."""
    lowered = {key.lower(): value for key, value in info.items() if value}
    for keys in (_STAMPS, _TIMES):
        found = [f"{key}={lowered[key]}" for key in keys if key in lowered]
        if found:
            return " ".join([*found, f"size={lowered.get('size')}"])
    return ""
