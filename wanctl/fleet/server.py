"""HTTP of a fleet: one page over all projects, one for each, and the same probes, metrics and hook."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from wanctl.fleet.keeping import Fleet
from wanctl.fleet.metrics import FleetMetrics
from wanctl.fleet.overview import Overview
from wanctl.fleet.page import fleet_html, fleet_policy
from wanctl.watch.metrics import CONTENT_TYPE
from wanctl.watch.page import policy, watch_html
from wanctl.watch.server import HEADERS, Endpoints, said


@dataclass(frozen=True, kw_only=True)
class FleetEndpoints(Endpoints):
    """The endpoints of a loop over many projects."""

    fleet: Fleet
    overview: Callable[[], Overview]
    metrics: FleetMetrics
    place: str

    def routes(self) -> list[Route]:
        return [*super().routes(), Route("/project", self._at_home(self.project))]

    async def ready(self, _: Request) -> Response:
        """Each project has its own state in the metrics: here is whether the loop comes round."""
        if self.fleet.comes_round(self.now()):
            return said("ok", 200)
        return said("not ready: no round has been begun lately", 503)

    async def scraped(self, _: Request) -> Response:
        return Response(self.metrics.text(), headers={**HEADERS, "Content-Type": CONTENT_TYPE})

    async def status(self, _: Request) -> Response:
        return JSONResponse(self.overview().as_json(), headers=HEADERS)

    async def page(self, request: Request) -> Response:
        asked = request.query_params
        text = fleet_html(
            self.overview(),
            self.place,
            self.fleet.next_round,
            state=asked.get("state", ""),
            text=asked.get("text", ""),
        )
        return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": fleet_policy()})

    async def project(self, request: Request) -> Response:
        """The page that the project's own loop would show."""
        wanted = request.query_params.get("name", "")
        found = next((one for name, one in self.fleet.members.items() if str(name) == wanted), None)
        if found is None:
            return said("no project of that name is in the fleet", 404)
        text = watch_html(found.status, self.now())
        return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": policy()})
