"""A line with its colours, as a value: it says nothing of terminals, and needs no library for them."""

from dataclasses import dataclass


@dataclass(frozen=True, init=False)
class TextLine:
    """Words and their styles, such as "bold red"; a file gets the words, a terminal both."""

    parts: tuple[tuple[str, str], ...]

    def __init__(self, text: str = "", style: str = "") -> None:
        object.__setattr__(self, "parts", ((text, style),))

    @classmethod
    def assemble(cls, *parts: "TextLine | tuple[str, str] | str") -> "TextLine":
        """One line of several parts, each in a style of its own."""
        made = cls()
        flat: list[tuple[str, str]] = []
        for part in parts:
            if isinstance(part, TextLine):
                flat += part.parts
            else:
                flat.append((part, "") if isinstance(part, str) else part)
        object.__setattr__(made, "parts", tuple(flat))
        return made

    @property
    def plain(self) -> str:
        return "".join(text for text, _ in self.parts)

    def __str__(self) -> str:
        return self.plain
