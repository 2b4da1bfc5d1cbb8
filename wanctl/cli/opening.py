"""From options to a Project."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wanctl.cli.app import Shared

if TYPE_CHECKING:
    from wanctl.project import Project
    from wanctl.project.host import Host


def open_project(
    folder: Path | None, environment: str | None, base_url: str | None = None, *, no_cache: bool = False
) -> "Project":
    """The project that the options name."""
    from wanctl.project import Project
    from wanctl.render.text.console import reading_bar

    return Project.open(
        folder or Shared.folder,
        environment or Shared.environment,
        surroundings_of(base_url),
        tell,
        trust_cache=not no_cache,
        reading=reading_bar,
    )


def surroundings_of(base_url: str | None) -> "Host":
    """The machine's, with the endpoint that the options name."""
    from wanctl.project.host import Host

    environ = dict(os.environ)
    if named := base_url or Shared.base_url:
        environ["WANCTL_BASE_URL"] = named
    return Host(environ=environ)


def tell(sentence: str) -> None:
    """What a person should see, and that is no result."""
    from wanctl.render.text.console import emit, err

    emit([f"note: {sentence}"], err())
