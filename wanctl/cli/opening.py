"""From options to a Project."""

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
        host_of(base_url),
        tell,
        trust_cache=not no_cache,
        reading=reading_bar,
    )


def host_of(base_url: str | None) -> "Host":
    """This machine, with the endpoint that the options name."""
    from wanctl.project.host import Host

    return Host.here(base_url or Shared.base_url)


def tell(sentence: str) -> None:
    """What a person should see, and that is no result."""
    from wanctl.render.text.console import emit, err

    emit([f"note: {sentence}"], err())
