"""The root of every error that a person can see: one sentence of what is wrong, one of what to do about it.

Each package has its own branch of the tree; `cli.faults` turns any of them into a screen and an exit code.
"""


class WanctlError(Exception):
    """Something that cannot be done, said to a person."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def lines(self, columns: int | None = None) -> list[str]:  # noqa: ARG002 - for those that show a file's lines
        """How it is printed, on a terminal of so many columns; None where the output is none."""
        return [f"error: {self}"]

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message
