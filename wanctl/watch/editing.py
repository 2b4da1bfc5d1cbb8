"""The page of a dataset on this machine for one person, who edits captions and excludes samples by it."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from wanctl.base.errors import WanctlError
from wanctl.language.inspection import Inspection
from wanctl.project.dataset_edits import DatasetEditor, is_own_exclusion
from wanctl.project.errors import ProjectError
from wanctl.render.html.dataset import DatasetEditing, page_state, served_clips, served_page
from wanctl.watch.loopback import OWN_HEADERS, OwnPage, Shown, Taken, said


@dataclass
class DatasetPage(OwnPage):
    """The endpoints. Each look and each edit reads what is there now."""

    editor: DatasetEditor
    clips: dict[str, Path] = field(default_factory=dict)
    edits: list[str] = field(default_factory=list)  # what was written, in a sentence each

    def routes(self) -> dict[str, Shown]:
        return {"": self._page, "media/{name}": self._clip}

    def takers(self) -> dict[str, Taken]:
        return {"edit": self._edit}

    def _looked(self) -> tuple[Inspection, DatasetEditing]:
        found = self.editor.look()
        self.clips = served_clips(found)
        return found, DatasetEditing(self.editor.excluding(), is_own_exclusion)

    async def _page(self, _: Request) -> Response:
        try:
            text = await run_in_threadpool(lambda: served_page(*self._looked()))
        except (WanctlError, OSError) as error:
            return said(f"the dataset cannot be shown: {error}", 409)
        return HTMLResponse(text, headers=OWN_HEADERS)

    async def _clip(self, request: Request) -> Response:
        path = self.clips.get(f"media/{request.path_params['name']}")
        if path is None or not await asyncio.to_thread(path.is_file):
            return said("not found", 404)
        return FileResponse(path, headers=OWN_HEADERS, media_type="video/mp4")

    async def _edit(self, body: Any) -> Response:
        what = body["what"]
        if what not in {"caption", "undo", "exclude"}:
            raise ValueError("not an edit")
        if what == "caption" and not (
            _is_number(body["line"]) and isinstance(body["before"], str) and isinstance(body["after"], str)
        ):
            raise ValueError("not a caption")
        if what == "exclude" and not (_is_number(body["line"]) and isinstance(body["excluded"], bool)):
            raise ValueError("not an exclusion")
        try:
            answer = await run_in_threadpool(self._written, body)
        except (WanctlError, OSError) as error:
            return JSONResponse({"said": f"Nothing was written: {error}"}, 409, headers=OWN_HEADERS)
        return JSONResponse(answer, headers=OWN_HEADERS)

    def _written(self, body: Any) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if body["what"] == "caption":
            told = self.editor.write_caption(body["line"], body["before"], body["after"])
            more = {"undo": True}
        elif body["what"] == "undo":
            told, more = self.editor.undo(), {"undo": True}
        else:
            told = self._excluded(body["line"], excluded=body["excluded"])
        self.edits.append(told)
        return {"said": told, "state": page_state(*self._looked()), **more}

    def _excluded(self, line: int, *, excluded: bool) -> str:
        found = self.editor.look()
        sample = next((one for one in (*found.facts.samples, *found.excluded) if one.line == line), None)
        if sample is None:
            raise ProjectError(f"line {line} is no sample any more", "load the page again")
        edit = self.editor.leave_out(sample) if excluded else self.editor.take_in(sample)
        name = sample.video or sample.first_frame
        return f"{name} is {'excluded' if excluded else 'taken in again'}: {edit.path.name} is written."


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
