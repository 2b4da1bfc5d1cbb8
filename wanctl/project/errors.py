"""The error of a project: a request that cannot be done, and what to do instead."""

from wanctl.base.errors import WanctlError


class ProjectError(WanctlError):
    """A person asked for something that cannot be done."""
