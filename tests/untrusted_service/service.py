"""A small Model Studio of its own, written from the service's documents: it shares nothing with the sandbox.

Strict in what it takes, and told by a `Dialect` how it answers: the documents leave much of that open.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.serving import listening

Row = dict[str, Any]
Answer = tuple[int, Any]

_MODEL = "wan2.6-i2v"
_JOB_KEYS = {"model", "training_file_ids", "validation_file_ids", "training_type", "hyper_parameters"}
_DEPLOY_KEYS = {"model_name", "capacity", "plan", "aigc_config"}
_CHECKPOINTS = ("checkpoint-20", "checkpoint-160")


GONE = {"code": "NotFound", "message": "Not found.", "request_id": "r"}


@dataclass(frozen=True)
class Dialect:
    """What another reader of the documents might have made of them."""

    name: str
    job_keys: frozenset[str] | None = None  # None: whatever it knows of a job
    deployment_keys: frozenset[str] | None = None
    jobs_under: str = "jobs"
    deployments_under: str = "deployments"
    totals: bool = True
    page: int = 100
    unlisted: Answer | None = None  # to lists of files and deployments, which not every document has
    checkpoints_listed: bool = True  # before they are exported
    missing: Answer = (404, GONE)
    lower: bool = False  # how statuses are spelled
    takes_unknown: bool = True  # fields that no document names
    looks: int = 1  # until something goes on to its next status
    hashed: bool = False  # a deployment has a name of its own


@dataclass
class UntrustedService:
    """The account, and what was asked of it that no document allows."""

    dialect: Dialect
    files: dict[str, Row] = field(default_factory=dict)
    jobs: dict[str, Row] = field(default_factory=dict)
    deployments: dict[str, Row] = field(default_factory=dict)
    looked: dict[str, int] = field(default_factory=dict)
    billed: int = 0
    faults: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Bearer sk-"):
            self.faults.append("no key")
        parts = [part for part in request.url.path.split("/") if part][2:]
        if request.url.path.startswith("/compatible-mode/v1/files"):
            status, body = await self._files(request, parts)
        elif parts[0] == "fine-tunes":
            status, body = await self._jobs(request, parts[1:])
        else:
            status, body = await self._deployments(request, parts[1:])
        return JSONResponse(body, status)

    async def _files(self, request: Request, parts: list[str]) -> Answer:
        if request.method == "POST":
            form = await request.form()
            sent = form["file"]
            if set(form) != {"file", "purpose"} or form["purpose"] != "fine-tune" or isinstance(sent, str):
                self.faults.append(f"upload of {sorted(form)}")
                return 400, {"code": "InvalidParameter", "message": "parts"}
            one = {"id": f"file-ft-{len(self.files)}", "object": "file", "bytes": sent.size}
            one |= {"filename": sent.filename, "purpose": "fine-tune", "status": "processed", "created_at": 1}
            self.files[str(one["id"])] = one
            return 200, one
        if self.dialect.unlisted:
            return self.dialect.unlisted
        if len(parts) > 1:
            return (200, self.files[parts[1]]) if parts[1] in self.files else self.dialect.missing
        return 200, {"object": "list", "data": list(self.files.values()), "has_more": False}

    async def _jobs(self, request: Request, parts: list[str]) -> Answer:
        if not parts:
            return (
                await self._create_job(request)
                if request.method == "POST"
                else self._page(
                    request, self.dialect.jobs_under, [self._shown_job(job) for job in self.jobs.values()]
                )
            )
        job = self.jobs.get(parts[0])
        if job is None:
            return self.dialect.missing
        if len(parts) == 1:
            return self._output(self._shown_job(job))
        if parts[1] == "logs":
            return self._output({"total": 0, "logs": []})
        if parts[1] == "validation-results":
            return self._output([{"checkpoint": label} for label in _CHECKPOINTS])
        if parts[1] == "export":
            if set(request.query_params) != {"model_name"} or parts[2] in job["exports"]:
                self.faults.append(f"export {request.url.query}")
            job["exports"][parts[2]] = f"{job['job_id']}-{parts[2]}"
            return self._output(True)
        return self._output([row for label in _CHECKPOINTS for row in self._checkpoint(job, label)])

    async def _create_job(self, request: Request) -> Answer:
        body = await request.json()
        if set(body) - _JOB_KEYS and not self.dialect.takes_unknown:
            return 400, {"code": "InvalidParameter", "message": "Unknown field.", "request_id": "r"}
        if body["training_type"] != "efficient_sft" or set(body["training_file_ids"]) - set(self.files):
            self.faults.append(f"job {body}")
        self.billed += 1
        name = f"ft-202511111122-{self.billed:04x}"
        job = {**body, "job_id": name, "job_name": name, "base_model": body["model"], "exports": {}}
        job |= {"finetuned_output": f"{_MODEL}-{name}", "create_time": "2025-11-11 11:22:22"}
        self.jobs[name] = job
        return self._output(self._shown_job(job))

    def _shown_job(self, job: Row) -> Row:
        status = self._next(str(job["job_id"]), ("PENDING", "RUNNING", "SUCCEEDED"))
        shown = {**{key: value for key, value in job.items() if key != "exports"}, "status": status}
        return _only(shown, self.dialect.job_keys)

    def _checkpoint(self, job: Row, label: str) -> list[Row]:
        if label not in job["exports"]:
            row = {"checkpoint": label, "status": self._spelled("PENDING")}
            return [row] if self.dialect.checkpoints_listed else []
        status = self._next(job["exports"][label], ("PENDING", "PROCESSING", "SUCCEEDED"))
        named = {"model_name": job["exports"][label]} if status.upper() == "SUCCEEDED" else {}
        return [{"checkpoint": label, "status": status, **named}]

    async def _deployments(self, request: Request, parts: list[str]) -> Answer:
        if not parts and request.method == "POST":
            return await self._deploy(request)
        if not parts and self.dialect.unlisted:
            return self.dialect.unlisted
        if not parts:
            shown = [self._shown_deployment(one) for one in list(self.deployments.values())]
            return self._page(request, self.dialect.deployments_under, shown)
        one = self.deployments.get(parts[0])
        if one is None:
            return self.dialect.missing
        if request.method == "DELETE":
            del self.deployments[parts[0]]
            return self._output({**one, "status": "DELETING"})
        return self._output(self._shown_deployment(one))

    async def _deploy(self, request: Request) -> Answer:
        body = await request.json()
        if set(body) != _DEPLOY_KEYS or not re.fullmatch(r"ft-[-\w]+", body["model_name"]):
            self.faults.append(f"deployment {body}")
        name = f"dm-{len(self.looked)}" if self.dialect.hashed else body["model_name"]
        self.looked.pop(name, None)
        self.deployments[name] = {**body, "deployed_model": name}
        return self._output(self._shown_deployment(self.deployments[name]))

    def _shown_deployment(self, one: Row) -> Row:
        shown = {key: value for key, value in one.items() if key not in {"aigc_config", "capacity"}}
        status = self._next(one["deployed_model"], ("PENDING", "RUNNING"))
        return _only({**shown, "status": status}, self.dialect.deployment_keys)

    def _next(self, name: str, statuses: tuple[str, ...]) -> str:
        """Time is counted in looks."""
        seen = self.looked.get(name, 0)
        self.looked[name] = seen + 1
        return self._spelled(statuses[min(seen // self.dialect.looks, len(statuses) - 1)])

    def _spelled(self, status: str) -> str:
        return status.lower() if self.dialect.lower else status

    def _page(self, request: Request, under: str, rows: list[Row]) -> Answer:
        number, size = int(request.query_params["page_no"]), int(request.query_params["page_size"])
        if size > 100:
            self.faults.append(f"page_size {size}")
        size = min(size, self.dialect.page)
        part = rows[(number - 1) * size : number * size]
        total = {"total": len(rows)} if self.dialect.totals else {}
        if not under:
            return 200, {"request_id": "r", "output": part, **total}
        return self._output({"page_no": number, "page_size": size, under: part, **total})

    def _output(self, output: Any) -> Answer:
        return 200, {"request_id": "r", "output": output}


def _only(row: Row, keys: frozenset[str] | None) -> Row:
    return {key: value for key, value in row.items() if keys is None or key in keys}


@contextmanager
def served(dialect: Dialect) -> Iterator[tuple[UntrustedService, str]]:
    """The account, and where it is."""
    untrusted = UntrustedService(dialect)
    methods = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", untrusted.answer, methods=methods)])
    with listening(app) as url:
        yield untrusted, url
