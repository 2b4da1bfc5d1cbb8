"""Files that other calls may be reading: each has its name only once it is whole."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write meanwhile: a file beside it, which takes its place in the end."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    yield unfinished
    unfinished.replace(path)
