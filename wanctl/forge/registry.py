"""Every forge that wanctl knows. CI runs and `wanctl init` ask here; a forge is added by a line."""

from wanctl.forge.forge import Forge
from wanctl.forge.github import GitHub
from wanctl.forge.gitlab import GitLab

GITHUB, GITLAB = GitHub(), GitLab()
FORGES: tuple[Forge, ...] = (GITHUB, GITLAB)  # the first where nobody knows which one it is


def forge_named(name: str) -> Forge | None:
    return next((forge for forge in FORGES if forge.name == name), None)


def forge_at(host: str) -> Forge:
    """The forge whose name is in the host's; servers of one's own are called so, mostly."""
    return next((forge for forge in FORGES[1:] if forge.name in host), FORGES[0])
