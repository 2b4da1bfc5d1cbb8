"""One account, served on a free port of this machine; its clock stands still until a test moves it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.plain_http import http
from tests.serving import listening
from wanctl.sandbox import Sandbox

START = datetime(2026, 3, 18, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Served:
    """The account, and where it is."""

    sandbox: Sandbox
    url: str

    def rows(self, path: str, name: str) -> list[dict[str, Any]]:
        headers = {"Authorization": "Bearer somebody-else"}
        answer = http.get(f"{self.url}/{path}?page_size=100", headers=headers)
        found = answer.raise_for_status().json()
        return list(found.get("output", found)[name])

    def jobs(self) -> list[dict[str, Any]]:
        return self.rows("api/v1/fine-tunes", "jobs")

    def deployments(self) -> list[dict[str, Any]]:
        return self.rows("api/v1/deployments", "deployments")

    def posts(self, path: str) -> int:
        """How many calls of this kind had their effect."""
        return sum(
            (line.method, line.path, line.status) == ("POST", path, 200) for line in self.sandbox.requests()
        )

    def pass_time(self, **span: float) -> None:
        self.sandbox.advance(timedelta(**span))


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    sandbox = Sandbox.open(folder, speed="instant", seed=1, start=START, strict=False)
    try:
        with listening(sandbox.app) as url:
            yield Served(sandbox, url)
    finally:
        sandbox.close()
