"""What stands in a loop's way, as a sentence that says what to do."""


class WatchError(Exception):
    """The loop cannot begin, or the ref cannot be had."""
