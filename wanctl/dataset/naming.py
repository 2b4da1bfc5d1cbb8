"""What a name may be, and the name of an upload made of it.

One pattern for what specs may call a project or a resource, and for what is read back from the lists of the
service: a name that could not be ours is nobody's. The specs, the kinds and the engine import it.
"""

import re
from typing import NamedTuple

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_]|-(?=[A-Za-z0-9_]))*"  # -- divides two of them, so none ends with -

_UPLOAD_NAME = re.compile(rf"(?P<project>{NAME})--(?P<name>{NAME})--(?P<digest16>[0-9a-f]{{16}})\.zip")


class UploadName(NamedTuple):
    """What the name of an upload says: whose it is, which dataset, and the begin of its digest."""

    project: str
    name: str
    digest16: str


def upload_name(project: str, name: str, digest: str) -> str:
    """`<project>--<name>--<digest16>.zip`: the file list alone tells what is there."""
    return f"{project}--{name}--{digest[:16]}.zip"


def parse_upload_name(filename: str) -> UploadName | None:
    """What a filename says if we gave it; None for anybody else's."""
    match = _UPLOAD_NAME.fullmatch(filename)
    return UploadName(**match.groupdict()) if match else None
