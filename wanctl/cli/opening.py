"""From options to a Project."""

from typing import TYPE_CHECKING

from wanctl.cli.options import SpecsOptions

if TYPE_CHECKING:
    from wanctl.project import Project
    from wanctl.project.host import Host


def open_project(options: SpecsOptions, *, no_cache: bool = False) -> "Project":
    """The project that the options name."""
    from wanctl.project import Project
    from wanctl.render.text.console import reading_bar

    return Project.open(
        options.folder,
        options.environment,
        host_of(options),
        tell,
        trust_cache=not no_cache,
        reading=reading_bar,
    )


def host_of(options: SpecsOptions) -> "Host":
    """This machine, with the endpoint that the options name."""
    from wanctl.project.host import Host

    return Host.here(options.base_url)


def tell(sentence: str) -> None:
    """What a person should see, and that is no result."""
    from wanctl.render.text.console import emit, err

    emit([f"note: {sentence}"], err())
