"""A remote with many small projects in it, a clone of it, and a sandbox over HTTP that they all share."""

import asyncio
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.datasets import small_dataset
from tests.serving import listening
from tests.watch.places import BEST, SERVING, TRAIN, TUNE, environ, git
from wanctl.base.running import run
from wanctl.cli.faults import spelt
from wanctl.fleet.fleet_file import FleetScope
from wanctl.fleet.overview import Overview
from wanctl.fleet.running import Crew, FleetOptions, FleetReporter, room_of
from wanctl.project.events import Silent
from wanctl.project.host import Host
from wanctl.sandbox import Sandbox
from wanctl.watch.policy import Policy
from wanctl.watch.status import LoopStatus

LOOPBACK = ("127.0.0.1", 0)
LISTS = ("/compatible-mode/v1/files", "/api/v1/fine-tunes", "/api/v1/deployments")


class Deaf:
    """Listens to nothing."""

    def completed(self, loop_status: LoopStatus) -> None:
        """Not heard."""

    failed = completed


@dataclass
class FleetPlace:
    """A clone with projects below teams/, and what was said while they were kept."""

    clone: Path
    sandbox: Sandbox
    url: str
    said: list[str] = field(default_factory=list)

    @property
    def host(self) -> Host:
        return Host(environ=environ())

    @property
    def scope(self) -> FleetScope:
        return FleetScope.below(self.clone, "origin/main", None)

    def push(self, message: str = "A change") -> None:
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--allow-empty", "-m", message)
        git(self.clone, "push", "--quiet", "origin", "HEAD:main")

    def project(self, name: str, *documents: dict[str, Any], **head: Any) -> Path:
        """Write a project; all have clips of their own, or they would share an upload."""
        folder = self.clone / "teams" / name
        shutil.rmtree(folder, ignore_errors=True)
        small_dataset(folder / "data" / "train", clips=2, note=name)
        settings = {"version": 1, "project": name, "provider": "sandbox", "base_url": self.url, **head}
        (folder / "wanctl.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        text = yaml.safe_dump_all(
            [{**one, "source": "data/train"} if one is TRAIN else one for one in documents]
        )
        (folder / "all.yaml").write_text(text, encoding="utf-8")
        return folder

    def crew(self, *, interval: float = 300.0, scope: FleetScope | None = None, once: bool = False) -> Crew:
        scope = scope or self.scope
        options = FleetOptions(
            scope, room_of(scope.home), timedelta(seconds=interval), LOOPBACK, Policy(), once
        )
        reporter = FleetReporter(self.said.append, lambda _: Silent(), lambda _: Deaf(), spelt)
        return Crew(options, self.host, reporter)

    def rounds(self, crew: Crew, count: int = 1, hours: int = 8) -> Overview:
        """So many rounds of one fleet, each to its end, with hours of the account behind it."""

        async def work() -> None:
            slots = asyncio.Semaphore(8)
            try:
                for _ in range(count):
                    await crew.fleet.round(slots)
                    await crew.fleet.ended()
                    self.sandbox.advance(timedelta(hours=hours))
            finally:
                await crew.close_accounts()

        run(work())
        return crew.overview()

    def calls(self, *paths: str, method: str = "GET") -> int:
        """How many calls came for the lists, or for these paths."""
        wanted: Collection[str] = paths or LISTS
        return sum(
            one.method == method and one.path.partition("?")[0] in wanted for one in self.sandbox.requests()
        )


CHAIN = (TRAIN, TUNE, BEST, SERVING)


@contextmanager
def fleet_place(folder: Path) -> Iterator[FleetPlace]:
    git(folder, "init", "--quiet", "--bare", "-b", "main", str(folder / "remote.git"))
    git(folder, "clone", "--quiet", str(folder / "remote.git"), str(folder / "studio"))
    clone = folder / "studio"
    git(clone, "checkout", "--quiet", "-b", "main")
    (clone / ".gitignore").write_text(".wanctl/\n", encoding="utf-8")
    sandbox = Sandbox.open(folder / "account", speed="instant", seed=1, strict=False, trains_at_once=50)
    with listening(sandbox.app) as url:
        yield FleetPlace(clone, sandbox, url)
    sandbox.close()
