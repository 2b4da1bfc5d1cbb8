"""Where a review keeps what it downloaded: each file under the digest of its content, whatever the service
calls it.

The signed links are not kept. A digest of a link's address without its signature tells what is here already,
so that a review that was broken off goes on where it ended.
"""

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from wanctl.base.files import PRIVATE, replace_file
from wanctl.base.redaction import without_secrets
from wanctl.dataset.contents import SNIFFED, MediaKind, sniff
from wanctl.studio.client import Studio
from wanctl.studio.errors import Refused

LARGEST_PREVIEW = 512 * 1024 * 1024
_ENDINGS = {"MP4": ".mp4", "JPEG": ".jpeg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}
_STORED = re.compile(r"(?P<digest>[0-9a-f]{64})(?P<ending>\.[a-z0-9]{3,4})")
# of a file that a gallery has beside it
MEDIA_NAME = re.compile(r"[0-9a-f-]+(?:-strip|-poster|-since-[0-9a-f]+)?\.[a-z0-9]{3,4}")


@dataclass(frozen=True)
class StoredMedia:
    """A file of the store."""

    path: Path
    digest: str
    size: int


class MediaStore:
    """A folder of media by content, and what came from which link of which training."""

    def __init__(self, folder: Path) -> None:
        self._media = folder / "media"
        self._links = folder / "links"
        for one in (self._media, self._links):
            one.mkdir(parents=True, exist_ok=True)
        self._turns = defaultdict[Path, asyncio.Lock](asyncio.Lock)

    async def fetch(self, studio: Studio, link: str, wanted: MediaKind, scope: str) -> StoredMedia:
        """The file behind a signed link: what is here already, else downloaded now.

        `scope` is what the link belongs to: the same address in another one is another file.
        """
        address = f"{scope} {without_secrets(link)}"
        known = self._links / hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()
        async with self._turns[known]:  # of several that want the same, one fetches it
            if found := self._kept(known, wanted):
                return found
            handle, name = tempfile.mkstemp(dir=self._media, prefix=".download-")
            os.close(handle)
            partial = Path(name)
            try:
                await studio.download(link, partial, max_bytes=LARGEST_PREVIEW)
                return await asyncio.to_thread(self._keep, partial, wanted, known)
            finally:
                partial.unlink(missing_ok=True)  # noqa: ASYNC240 - at once

    def _keep(self, partial: Path, wanted: MediaKind, known: Path) -> StoredMedia:
        """Give the file its name, if it is what was wanted: a page of an error is no video."""
        with partial.open("rb") as stream:
            kind, format_ = sniff(stream.read(SNIFFED)) or (None, "")
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
        ending = _ENDINGS.get(format_)
        if kind is not wanted or ending is None:
            raise Refused(f"what a link leads to is no {wanted.value} that a browser shows")
        place = self._media / f"{digest}{ending}"
        partial.replace(place)
        replace_file(known, f"{place.name} {size}\n", mode=PRIVATE)
        return StoredMedia(place, digest, size)

    def _kept(self, known: Path, wanted: MediaKind) -> StoredMedia | None:
        """What this link led to before, if that is still there and whole."""
        try:
            name, _, size = known.read_text(encoding="utf-8").strip().partition(" ")
            named = _STORED.fullmatch(name)
            if named is None or (self._media / name).stat().st_size != int(size):
                return None
        except (OSError, ValueError):
            return None
        kind = MediaKind.VIDEO if named["ending"] == ".mp4" else MediaKind.IMAGE
        return StoredMedia(self._media / name, named["digest"], int(size)) if kind is wanted else None


def place_file(source: Path, destination: Path) -> None:
    """The same content under another name, without a second copy where the disk allows that.

    What stands there is replaced; a link that stands there is not followed.
    """
    partial = destination.with_name(f".{destination.name}.{os.getpid()}.tmp")
    partial.unlink(missing_ok=True)
    try:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
