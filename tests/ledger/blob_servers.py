"""The blob services of Google and Azure on this machine, as far as a ledger needs them.

Answers and headers are those that the services document; Azure's were held against Azurite's.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import md5
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any

from werkzeug.wrappers import Request, Response

AZURE_ACCOUNT = "devstoreaccount1"  # the emulator's, which its clients know, with its key


@dataclass
class Blobs:
    """Objects by path, each with the number of its state."""

    put: Callable[["Blobs", Request], HTTPStatus]
    kept: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    states: int = 1000
    lock: Lock = field(default_factory=Lock)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        with self.lock:
            return self._answer(request)(environ, start)

    def tag(self, path: str) -> str | None:
        body = self.kept.get(path)
        return f'"{body[1]:x}-{md5(body[0], usedforsecurity=False).hexdigest()}"' if body else None

    def write(self, request: Request) -> None:
        self.states += 1
        self.kept[request.path] = request.get_data(), self.states

    def _answer(self, request: Request) -> Response:
        status = self.put(self, request) if request.method == "PUT" else HTTPStatus.OK
        if status is HTTPStatus.OK and request.path not in self.kept:
            status = HTTPStatus.NOT_FOUND
        body, state = self.kept.get(request.path, (b"", 0))
        answer = Response(body if request.method == "GET" and status is HTTPStatus.OK else b"", status)
        if status < HTTPStatus.MULTIPLE_CHOICES:
            answer.headers["ETag"] = self.tag(request.path) or ""
            answer.headers["x-goog-generation"] = str(state)
            answer.headers["Last-Modified"] = "Wed, 18 Mar 2026 09:00:00 GMT"
        return answer


def gcs() -> Blobs:
    """A generation that does not match is a 412, for one that there is not to be (0) too."""

    def put(blobs: Blobs, request: Request) -> HTTPStatus:
        wanted = request.headers.get("x-goog-if-generation-match")
        if wanted is not None and int(wanted) != blobs.kept.get(request.path, (b"", 0))[1]:
            return HTTPStatus.PRECONDITION_FAILED
        blobs.write(request)
        return HTTPStatus.OK

    return Blobs(put)


def azure() -> Blobs:
    """A blob that is there already is a 409, a tag that does not match a 412."""

    def put(blobs: Blobs, request: Request) -> HTTPStatus:
        assert request.headers["x-ms-blob-type"] == "BlockBlob"
        assert request.headers["Authorization"].startswith(f"SharedKey {AZURE_ACCOUNT}:")
        tag, wanted = blobs.tag(request.path), request.headers.get("If-Match")
        if tag and request.headers.get("If-None-Match") == "*":
            return HTTPStatus.CONFLICT
        if wanted is not None and wanted != tag:
            return HTTPStatus.PRECONDITION_FAILED
        blobs.write(request)
        return HTTPStatus.CREATED

    return Blobs(put)


def gcs_account(folder: Path, address: str) -> Path:
    """A file of credentials that leads to this machine and asks nobody for a token."""
    path = folder / "account.json"
    nobody = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
    path.write_text(json.dumps({**nobody, "gcs_base_url": address, "disable_oauth": True}), encoding="utf-8")
    return path
