"""Deployments: models that are served."""

from collections.abc import Mapping
from typing import Any

from wanctl.studio.errors import NotFound
from wanctl.studio.objects import LiveDeployment
from wanctl.studio.reading import Answer, Page, output, parse, parse_rows, read_numbered
from wanctl.studio.verdict import CallEffect, Reply
from wanctl.studio.wire import StudioConnection, StudioRequest, segment

_PAGE = 100


class Deployments:
    """`studio.deployments`."""

    def __init__(self, wire: StudioConnection) -> None:
        self._wire = wire

    async def create(self, body: Mapping[str, Any]) -> Answer[LiveDeployment]:
        """Deploy a model. `Conflict` says that the name is taken, perhaps by an earlier call of ours."""
        reply = await self._wire.call(StudioRequest("POST", "/deployments", CallEffect.ONCE, json=body))
        return Answer(parse(LiveDeployment, output(reply), reply), reply.request_id)

    async def list(self) -> tuple[LiveDeployment, ...]:
        """All deployments of the account, each once."""

        async def page(number: int) -> Page[LiveDeployment]:
            params = {"page_no": number, "page_size": _PAGE}
            reply = await self._wire.call(StudioRequest("GET", "/deployments", params=params))
            return parse_rows(LiveDeployment, reply, "deployments")

        return await read_numbered(page, lambda one: one.deployed_model)

    async def get(self, deployed_model: str) -> LiveDeployment:
        reply = await self._wire.call(StudioRequest("GET", _path(deployed_model)))
        return parse(LiveDeployment, output(reply), reply)

    async def scale(self, deployed_model: str, capacity: int) -> Answer[LiveDeployment]:
        path = f"{_path(deployed_model)}/scale"
        reply = await self._wire.call(
            StudioRequest("PUT", path, CallEffect.ONCE, json={"capacity": capacity})
        )
        return Answer(_named(reply, deployed_model), reply.request_id)

    async def delete(self, deployed_model: str) -> Answer[LiveDeployment | None]:
        """Ask for the end of a deployment, which takes a while. None: it was not there."""
        try:
            reply = await self._wire.call(
                StudioRequest("DELETE", _path(deployed_model), CallEffect.REPEATABLE)
            )
        except NotFound as gone:
            return Answer(None, gone.request_id)
        return Answer(_named(reply, deployed_model), reply.request_id)


def _path(deployed_model: str) -> str:
    return f"/deployments/{segment(deployed_model)}"


def _named(reply: Reply, deployed_model: str) -> LiveDeployment:
    """The deployment in an answer that need not repeat its name."""
    found = output(reply)
    said = found if isinstance(found, dict) else {}
    return parse(LiveDeployment, {"deployed_model": deployed_model, **said}, reply)
