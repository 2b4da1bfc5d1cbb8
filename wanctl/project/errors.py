"""What a project cannot do, as a sentence that says what to do instead."""

from wanctl.base.errors import WanctlError


class ProjectError(WanctlError):
    """Something that a person asked for and that cannot be done."""
