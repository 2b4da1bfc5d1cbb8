"""An S3 server on this machine, and the same one with the conditions that OSS has in their place.

It answers one request at a time, as moto checks a condition and writes in two steps.
"""

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
OSS_KEYS = {"OSS_ACCESS_KEY_ID": "a", "OSS_ACCESS_KEY_SECRET": "b", "OSS_REGION": "ap-southeast-1"}


def s3() -> Application:
    application: Application = DomainDispatcherApplication(create_backend_app)
    return application


def with_conditions_of_oss(inner: Application) -> Application:
    """As OSS behaves: If-Match and If-None-Match are not implemented for a PUT; x-oss-forbid-overwrite is,
    and answers 409."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return inner(environ, start)
        if "HTTP_IF_MATCH" in environ or "HTTP_IF_NONE_MATCH" in environ:
            start("501 Not Implemented", [("Content-Length", "0")])
            return [b""]
        if environ.get("HTTP_X_OSS_FORBID_OVERWRITE") == "true":
            environ["HTTP_IF_NONE_MATCH"] = "*"

        def told(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start("409 Conflict" if status.startswith("412") else status, headers, *more)

        return inner(environ, told)

    return application


def without_conditions(inner: Application) -> Application:
    """As servers behave that know nothing of conditions: they ignore them."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
            environ.pop(name, None)
        return inner(environ, start)

    return application


@contextmanager
def serving(application: Application) -> Iterator[str]:
    """The address of the server, for as long as the body runs."""
    server = make_server("127.0.0.1", 0, application)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class GitOverHttp:
    """git's own server for smart HTTP, behind a password; it can lose the answer to a push."""

    def __init__(self, root: Path, authorization: str) -> None:
        self._root = root
        self._authorization = authorization
        self.answers_to_lose = 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_AUTHORIZATION") != self._authorization:
            start("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"'), ("Content-Length", "0")])
            return [b""]
        length = environ.get("CONTENT_LENGTH")
        chunked = environ.get("HTTP_TRANSFER_ENCODING") == "chunked"
        body = environ["wsgi.input"].read() if chunked else environ["wsgi.input"].read(int(length or 0))
        command = ["git", "http-backend"]
        ended = subprocess.run(
            command,
            input=body,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self._root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": "robot",
                "REQUEST_METHOD": environ["REQUEST_METHOD"],
                "PATH_INFO": environ["PATH_INFO"],
                "QUERY_STRING": environ.get("QUERY_STRING", ""),
                "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": environ.get("HTTP_CONTENT_ENCODING", ""),
                "GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
            },
        )
        head, _, answer = ended.stdout.partition(b"\r\n\r\n")
        headers = [
            (name, value) for name, _, value in (line.partition(": ") for line in head.decode().splitlines())
        ]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        if (
            environ["REQUEST_METHOD"] == "POST"
            and "receive-pack" in environ["PATH_INFO"]
            and self.answers_to_lose
        ):
            self.answers_to_lose -= 1
            status, answer = "502 Bad Gateway", b""
        start(status, [(name, value) for name, value in headers if name != "Status"])
        return [answer]
