"""The root of every error that a person can see: one sentence of what is wrong, one of what to do about it.

Each room has its own branch of the tree; `cli.faults` turns any of them into a screen and an exit code.
"""


class WanctlError(Exception):
    """Something that cannot be done, said to a person."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message
