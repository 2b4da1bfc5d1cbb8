"""What stands in a loop's way, as a sentence that says what to do."""

from wanctl.base.errors import WanctlError


class WatchError(WanctlError):
    """The loop cannot begin, or the ref cannot be had."""
