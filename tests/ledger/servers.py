"""An S3 server on this machine, and the same one with the conditions that OSS has in their place.

It answers one request at a time, as moto checks a condition and writes in two steps.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
