"""The gallery on this machine for one person, who chooses by a button. It ends with the choice."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from wanctl.base.errors import WanctlError
from wanctl.review.store import MEDIA_NAME
from wanctl.watch.loopback import LOOKED_AT_FOR, OWN_HEADERS, OwnPage, Shown, Taken, said

_AFTER_CHOICE = 1.0  # seconds for the page to show what was written


@dataclass(frozen=True)
class ChoiceAsked:
    """What the button sends."""

    address: str
    column: int  # of the candidates, as the page has them
    notes: Any


@dataclass(frozen=True)
class ChoiceTaken:
    """What was written, for the page and for the terminal."""

    said: str
    diff: str = ""


@dataclass
class ChoosingPage(OwnPage):
    """The endpoints, and the choice once it is taken."""

    folder: Path
    index: str
    take: Callable[[ChoiceAsked], ChoiceTaken]
    taken: ChoiceTaken | None = None

    def routes(self) -> dict[str, Shown]:
        return {"": self._page, "media/{name}": self._media}

    def takers(self) -> dict[str, Taken]:
        return {"choose": self._choose}

    async def _page(self, _: Request) -> Response:
        return FileResponse(self.folder / self.index, headers=OWN_HEADERS, media_type="text/html")

    async def _media(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = self.folder / "media" / name
        if not MEDIA_NAME.fullmatch(name) or not await asyncio.to_thread(path.is_file):
            return said("not found", 404)
        return FileResponse(path, headers=OWN_HEADERS)

    async def _choose(self, body: Any) -> Response:
        asked = _asked(body)
        try:
            taken = await run_in_threadpool(self.take, asked)
        except (WanctlError, OSError) as error:
            return JSONResponse({"said": f"Nothing was chosen: {error}"}, 409, headers=OWN_HEADERS)
        self.taken = taken
        threading.Timer(_AFTER_CHOICE, self.ended.set).start()
        return JSONResponse({"said": taken.said, "diff": taken.diff}, headers=OWN_HEADERS)

    def wait(self, patience: float = LOOKED_AT_FOR, look_every: float = 0.2) -> ChoiceTaken | None:
        """Until a choice is taken, or nothing was asked for so long."""
        self.looked_at(patience, look_every)
        return self.taken


def _asked(body: Any) -> ChoiceAsked:
    address, column = body["address"], body["column"]
    if not isinstance(address, str) or not isinstance(column, int) or isinstance(column, bool) or column < 0:
        raise ValueError("not a choice")
    return ChoiceAsked(address, column, body.get("notes"))
