"""Uploaded files: the OpenAI-compatible API, which answers flat."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

from wanctl.studio.errors import NotFound, ServerError
from wanctl.studio.objects import RemoteFile
from wanctl.studio.pace import Family
from wanctl.studio.reading import Answer, Page, output, parse, parse_rows
from wanctl.studio.verdict import CallEffect
from wanctl.studio.wire import UPLOAD_TIMEOUT, StudioConnection, StudioRequest, segment

_PURPOSE = "fine-tune"
_PAGE = 1000


class Files:
    """`studio.files`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def upload(
        self, path: Path, filename: str, *, progress: Callable[[int], None] | None = None
    ) -> Answer[RemoteFile]:
        """Send a file from disk, in pieces; `progress` hears how many bytes have left. Sent once."""
        with _ReportingFile(path, progress) as file:
            request = StudioRequest(
                "POST",
                "/files",
                CallEffect.ONCE,
                data={"purpose": _PURPOSE},
                files={"file": (filename, file, "application/zip")},
                compatible=True,
                timeout=UPLOAD_TIMEOUT,
                family=Family.UPLOADS,
            )
            reply = await self._wire.call(request)
        return Answer(parse(RemoteFile, output(reply), reply), reply.request_id)

    async def list(self, prefix: str | None = None) -> tuple[RemoteFile, ...]:
        """All files for fine-tuning, or those whose name begins so."""
        found: dict[str, RemoteFile] = {}
        after: str | None = None
        while True:
            page = await self._page(after)
            before = len(found)
            found.update((file.id, file) for file in page.items)
            if page.more is False or not page.items:
                break
            if len(found) == before:
                if page.more is None or [file.id for file in page.items] == [after]:
                    break  # what was read already: its end, said clumsily
                raise ServerError("the list of files repeats itself and does not end")
            after = page.items[-1].id
        if page.total is not None and len(found) < page.total:
            raise ServerError(f"the list of files holds {len(found)}, and says that there are {page.total}")
        return tuple(file for file in found.values() if file.filename.startswith(prefix or ""))

    async def _page(self, after: str | None) -> Page[RemoteFile]:
        params: dict[str, str | int] = {"purpose": _PURPOSE, "limit": _PAGE}
        if after:
            params["after"] = after
        reply = await self._wire.call(_reading("/files", params))
        return parse_rows(RemoteFile, reply, "data")

    async def get(self, file_id: str) -> RemoteFile:
        reply = await self._wire.call(_reading(f"/files/{segment(file_id)}"))
        return parse(RemoteFile, output(reply), reply)

    async def delete(self, file_id: str) -> Answer[None]:
        """Delete a file; one that is not there is deleted already."""
        request = StudioRequest(
            "DELETE", f"/files/{segment(file_id)}", CallEffect.REPEATABLE, compatible=True
        )
        try:
            reply = await self._wire.call(request)
        except NotFound as gone:
            return Answer(None, gone.request_id)
        return Answer(None, reply.request_id)


def _reading(path: str, params: Mapping[str, str | int] | None = None) -> StudioRequest:
    return StudioRequest("GET", path, params=params or {}, compatible=True, family=Family.FILE_READS)


class _ReportingFile(io.FileIO):
    """A file that reports how much of it has been read."""

    def __init__(self, path: Path, progress: Callable[[int], None] | None) -> None:
        super().__init__(path)
        self._progress = progress

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(-1 if size is None else size)
        if self._progress:
            self._progress(self.tell())
        return chunk
