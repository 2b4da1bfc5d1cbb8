"""wanctl: infrastructure as code for fine-tuned Wan video models.

The public Python API, which docs/python.md describes. Its names are imported when they are first used, and
nothing before: a Ctrl-C that comes while the command is loaded is heard once `wanctl.cli.main` runs.
"""

TYPE_CHECKING = False  # which type checkers take for true, as they do the one of typing

__version__ = "0.1.0"

_PLACES = {
    "open": "wanctl.project:open_project",
    "Project": "wanctl.project:Project",
    "Plan": "wanctl.project.results:PlanResult",
    "ApplyResult": "wanctl.project.applying:ApplyResult",
    "ProjectStatus": "wanctl.project.results:ProjectStatus",
    "Validation": "wanctl.project.validating:Validation",
    "Output": "wanctl.project.outputs:Output",
    "Event": "wanctl.project.events:Event",
    "Started": "wanctl.project.events:Started",
    "Uploaded": "wanctl.project.events:Uploaded",
    "Done": "wanctl.project.events:Done",
    "Failed": "wanctl.project.events:Failed",
    "Waiting": "wanctl.project.events:Waiting",
    "Missed": "wanctl.project.events:Missed",
    "Error": "wanctl.base.errors:WanctlError",
    "generate": "wanctl.project.generating:generate",
    "agenerate": "wanctl.project.generating:agenerate",
    "VideoRequest": "wanctl.generation.request:VideoRequest",
    "VideoResult": "wanctl.generation.result:VideoResult",
}
__all__ = [
    "ApplyResult",
    "Done",
    "Error",
    "Event",
    "Failed",
    "Missed",
    "Output",
    "Plan",
    "Project",
    "ProjectStatus",
    "Started",
    "Uploaded",
    "Validation",
    "VideoRequest",
    "VideoResult",
    "Waiting",
    "agenerate",
    "generate",
    "open",
]

if TYPE_CHECKING:
    from typing import Any

    from wanctl.base.errors import WanctlError as Error
    from wanctl.generation.request import VideoRequest
    from wanctl.generation.result import VideoResult
    from wanctl.project import Project
    from wanctl.project import open_project as open  # noqa: A004 - as wanctl.open
    from wanctl.project.applying import ApplyResult
    from wanctl.project.events import Done, Event, Failed, Missed, Started, Uploaded, Waiting
    from wanctl.project.generating import agenerate, generate
    from wanctl.project.outputs import Output
    from wanctl.project.results import PlanResult as Plan
    from wanctl.project.results import ProjectStatus
    from wanctl.project.validating import Validation


def __getattr__(name: str) -> "Any":
    """Import a public name when somebody asks for it: what is below imports wanctl for its version alone."""
    from importlib import import_module

    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = place.partition(":")
    found = globals()[name] = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
