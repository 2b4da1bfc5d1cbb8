"""Where something stands in a file that a person wrote."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """File, line and column (both from 1), with what is needed to show it."""

    file: str
    line: int
    column: int
    length: int = field(default=1, compare=False)
    source_line: str | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
