"""How much the specs of a project may hold. What is larger is refused at once, with the limit by its name:
specs come from people whom nobody knows, and a plan is made of whatever they wrote.

The limits are far beyond any project: ten thousand resources fit in well.
"""

import re

from wanctl.finding import Finding, Place
from wanctl.language.findings import SpecErrors
from wanctl.rules import Rule

MOST_BYTES = 8 * 1024 * 1024  # of all YAML files together
MOST_FILES = 20_000
MOST_DOCUMENTS = 12_000
MOST_OF_ONE = 20_000  # values of one document
MOST_VALUES = 600_000  # of all documents, with what aliases and merges expand to
MOST_ENVIRONMENTS = 200

_DOCUMENT = re.compile(r"(?:^|[\r\n\x85\u2028\u2029])---(?=\s|$)")


class SpecBudget:
    """What a project's specs may still hold."""

    def __init__(self) -> None:
        self._file = ""
        self._files = self._bytes = self._documents = self._values = 0

    def take_text(self, shown: str, text: str) -> None:
        """Count a file before anything of it is read: of a document its first line tells."""
        self._file = shown
        self._files += 1
        self._bytes += len(text)
        self._documents += len(_DOCUMENT.findall(text)) + (not text.startswith("---"))
        if self._files > MOST_FILES:
            raise self.passed(f"{MOST_FILES:,} files")
        if self._bytes > MOST_BYTES:
            raise self.passed(f"{MOST_BYTES // 2**20} MB")
        if self._documents > MOST_DOCUMENTS:
            raise self.passed(f"{MOST_DOCUMENTS:,} documents")

    def take(self, values: int) -> None:
        """Count values as they are built: aliases and merges cost what they expand to."""
        self._values += values
        if self._values > MOST_VALUES:
            raise self.passed(f"{MOST_VALUES:,} values")

    def take_document(self, values: int) -> None:
        """Count the values of one document, as far as it is read."""
        if values > MOST_OF_ONE:
            raise self.passed(f"{MOST_OF_ONE:,} values in one document")

    def take_environments(self, number: int) -> None:
        if number > MOST_ENVIRONMENTS:
            raise self.passed(f"{MOST_ENVIRONMENTS} environments")

    def passed(self, limit: str) -> SpecErrors:
        """The refusal, which names the limit and the file with which it was passed."""
        message = f"the specs hold more than {limit}, and no more is read"
        remedy = "make several projects of it, or take out what none of them needs"
        return SpecErrors([Finding.error(Rule.TOO_MUCH, message, place=Place(self._file), hint=remedy)])
