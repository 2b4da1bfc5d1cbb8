"""Files that appear under their name whole or not at all, however the writer ends; and names for them.

A name that comes from elsewhere (the service, a spec, a dataset) is part of a path through `file_name` only.
"""

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE, PUBLIC = 0o600, 0o644
_PLAIN = re.compile(r"(?=.{1,80}$)[a-z0-9](?:[a-z0-9_-]|\.(?=[a-z0-9]))*")
_OF_WINDOWS = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def beside(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """An empty file to be filled; it takes the path's place when the body ends without an error.

    `mode` are its rights; without one it keeps those of the file that it replaces, else private.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(_rights(path) if mode is None else mode)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def replacing(path: Path, *, mode: int | None = None, durable: bool = False) -> Iterator[BinaryIO]:
    """The same, opened to be written; with `durable` its bytes are on the disk before it has the name."""
    with beside(path, mode=mode) as partial, partial.open("wb") as file:
        yield file
        file.flush()
        if durable:
            os.fsync(file.fileno())


def replace_file(path: Path, content: str | bytes, *, mode: int | None = None, durable: bool = False) -> None:
    """Write the whole content, or leave what is there."""
    with replacing(path, mode=mode, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def create_file(path: Path, content: str) -> None:
    """Write the whole content under a name that is free; FileExistsError where it is not."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with partial.open("x", encoding="utf-8") as file:
            file.write(content)
        _rename_to_new(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _rename_to_new(partial: Path, path: Path) -> None:
    """Unlike a rename, a link never takes the place of a file; where there are none, a look comes first."""
    try:
        os.link(partial, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError from None
        partial.replace(path)


def _rights(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return PRIVATE


def file_name(text: str) -> str:
    """One name in a folder for a text from anywhere, the same each time, and another for each text.

    A plain name stays as it is. Any other gets what is plain in it, and a digest, behind a sign that no plain
    name has. There is never a separator, a leading dot, or a name that a system keeps for itself.
    """
    if _PLAIN.fullmatch(text) and not _OF_WINDOWS.fullmatch(text):
        return text
    plain = re.sub(r"[^a-z0-9]+", "-", text[:200].lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"_{plain or 'x'}.{digest}"
