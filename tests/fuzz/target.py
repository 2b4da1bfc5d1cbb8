"""What is fuzzed: a function that meets bytes of a stranger, and what it may do with them.

It gives a value, or raises an error that a person gets as a sentence. Anything else is a finding: another
error, an assertion of the target, more than a few seconds, much memory.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wanctl.cli.faults import spelt

LARGEST = 64 * 1024  # bytes of an input; what is larger takes time and finds nothing more
NO_SENTENCE = "a fault of wanctl"


@dataclass(frozen=True)
class Target:
    """A reader of a stranger's bytes."""

    name: str
    meet: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]  # to begin with; good ones among them
    words: tuple[bytes, ...] = ()  # that its language is made of

    def fed(self, content: bytes) -> str | None:
        """The sentence that it ends with, if any; a finding is raised."""
        try:
            self.meet(content)
        except Exception as error:  # whether it is a finding is asked
            said = spelt(error)
            if not said or not said[0].strip() or NO_SENTENCE in said[0]:
                raise
            return "\n".join(said)
        return None


def small(contents: Sequence[bytes]) -> list[bytes]:
    """Those that are worth beginning with, each once."""
    return list(dict.fromkeys(one for one in contents if len(one) <= LARGEST))


@cache
def place(name: str) -> Path:
    """A folder for a target of this process, which ends with it."""
    made = tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-")
    _places.append(made)
    return Path(made.name)


_places: list[tempfile.TemporaryDirectory[str]] = []
