"""The Python API in handlers of a web server: coroutines, and plain methods in a thread or in the loop."""

import asyncio
from pathlib import Path
from typing import Any

import fastapi
import httpx
from fastapi.responses import HTMLResponse, JSONResponse

import wanctl


def service(specs: Path) -> fastapi.FastAPI:
    app, project = fastapi.FastAPI(), wanctl.open(specs)

    @app.exception_handler(wanctl.Error)
    async def refused(_: fastapi.Request, error: wanctl.Error) -> JSONResponse:
        return JSONResponse({"message": error.message, "remedy": error.remedy}, status_code=409)

    @app.get("/plan")
    async def plan() -> dict[str, Any]:
        return (await project.aplan()).to_dict()

    @app.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse(project.plan().to_html())

    @app.get("/status")
    async def status() -> dict[str, Any]:
        return project.status().to_dict()  # plain, in the loop itself

    @app.post("/apply")
    async def apply(digest: str) -> dict[str, Any]:
        return (await project.aapply(approve=digest, wait=True)).to_dict()

    @app.get("/output")
    async def output() -> str:
        return (await project.aoutput()).value

    return app


def test_handlers_plan_apply_and_refuse(specs: Path) -> None:
    async def work() -> None:
        transport = httpx.ASGITransport(app=service(specs))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            early = await client.get("/output")
            assert early.status_code == 409
            assert early.json()["message"].startswith("Deployment/rain-0 is not serving")
            plan, status, page = await asyncio.gather(
                client.get("/plan"), client.get("/status"), client.get("/page")
            )
            digest = plan.json()["digest"]
            assert status.json()["digest"] == digest
            assert digest[:12] in page.text
            wrong = await client.post("/apply", params={"digest": "0" * 64})
            assert wrong.status_code == 409
            applied = await client.post("/apply", params={"digest": digest})
            assert applied.json()["status"] == "converged"
            assert (await client.get("/output")).json().startswith("wan2.6-i2v-")

    asyncio.run(work())
