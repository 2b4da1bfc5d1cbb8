"""Files that appear under their name whole or not at all, however the writer ends."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE, PUBLIC = 0o600, 0o644
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
