"""Projects whose documents are values already, as an API gives them: each part has its place by name, not by
line. They may hold no more than files may, credentials are refused in them, and they are loaded as files are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from wanctl.base.words import quoted
from wanctl.finding import Place
from wanctl.language.findings import Findings
from wanctl.language.load import ProjectLoading
from wanctl.language.project_file import ProjectFile
from wanctl.language.resources import Desired
from wanctl.language.root import Root
from wanctl.language.yaml.budget import SpecBudget
from wanctl.language.yaml.documents import Document, Places, SourceFile
from wanctl.language.yaml.nodes import ADVICE, DEEPEST, DocumentPath, dotted, is_secret_name, mask_keys
from wanctl.rules import Rule


@dataclass(frozen=True)
class ObjectOrigin:
    """What a person calls the parts of a document: Checkpoint/best .spec.checkpoint."""

    shown: str  # Checkpoint/best
    at: str = ".spec"
    keys: Mapping[str, str] = field(default_factory=dict)  # by top key, where the value stands elsewhere
    renamed: Mapping[str, str] = field(default_factory=dict)  # by dotted path, as it is written there

    def place(self, path: DocumentPath) -> Place:
        """Where a value stands."""
        if not path:
            return Place(self.shown)
        key = str(path[0])
        head = self.keys.get(key) or f"{self.shown} {self.at}.{key}"
        rest = dotted(path[1:])
        if written := self.renamed.get(dotted(path)):
            return Place(f"{self.shown} {self.at}.{written}")
        return Place(f"{head}.{rest}" if rest and not rest.startswith("[") else f"{head}{rest}")


@dataclass
class _ObjectLoading(ProjectLoading):
    """A load of documents that stand in no file."""

    given: tuple[Document, ...] = ()

    def _project_documents(self) -> list[Document]:
        return [*self.given]

    def _spec_files(self, _: ProjectFile) -> Iterator[Path]:
        return iter(())


def load_objects(
    documents: Sequence[Document], root: Root, environment: str | None, findings: Findings
) -> Desired:
    """The project of these documents, the settings first; SpecErrors tells everything that is wrong.

    The settings are those of the environment. Paths in them start at the root's folder. What was found while
    they were read is told along.
    """
    loaded = _ObjectLoading(root, None, findings=findings, given=tuple(documents)).run()
    return replace(loaded, environment=environment)


def object_document(
    value: Mapping[str, Any], origin: ObjectOrigin, findings: Findings, budget: SpecBudget
) -> "ObjectDocument":
    """A document of a value; what no document may hold is reported, and taken out."""
    plain = _Reading(origin, findings, budget).value(dict(value), ())
    source = SourceFile(origin.shown, "", findings, budget)
    return ObjectDocument(source, 0, plain, origin.place(()), origin)


@dataclass(frozen=True)
class ObjectDocument(Document):
    """A document whose parts are placed by their names."""

    origin: ObjectOrigin

    @cached_property
    def places(self) -> Places:
        return ObjectPlaces(self)


class ObjectPlaces(Places):
    """Dotted path → the place of that name."""

    def __init__(self, document: ObjectDocument) -> None:
        super().__init__(document)
        self._value, self._origin = document.value, document.origin

    @cached_property
    def _found(self) -> dict[str, tuple[Place, Place]]:
        places = ((dotted(path), self._origin.place(path)) for path in _paths(self._value, ()))
        return {path: (place, place) for path, place in places}


def _paths(value: Any, path: DocumentPath) -> Iterator[DocumentPath]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _paths(one, (*path, number))


@dataclass
class _Reading:
    origin: ObjectOrigin
    findings: Findings
    budget: SpecBudget
    too_deep: bool = False

    def value(self, value: Any, path: DocumentPath) -> Any:
        self.budget.take(1)
        if len(path) > DEEPEST:
            if not self.too_deep:
                self.too_deep = True
                self._error(path[:1], Rule.YAML_TOO_DEEP, f"this is nested more than {DEEPEST} levels deep")
            return None
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, Mapping):
            return {
                key: self.value(one, (*path, key)) for key, one in value.items() if self._may(key, one, path)
            }
        if isinstance(value, list):
            return [self.value(one, (*path, number)) for number, one in enumerate(value)]
        return value

    def _text(self, text: str, path: DocumentPath) -> str:
        masked, found = mask_keys(text)
        if found:
            self._error(path, Rule.SECRET, "a credential does not belong into an object", ADVICE)
        return masked

    def _may(self, key: str, value: Any, path: DocumentPath) -> bool:
        if not is_secret_name(key) or not value or isinstance(value, Mapping | list):
            return True
        message = f"{quoted(key)} looks like a credential, and an object of this kind is no place for one"
        self._error((*path, key), Rule.SECRET, message, ADVICE)
        return False

    def _error(self, path: DocumentPath, rule: Rule, message: str, hint: str | None = None) -> None:
        self.findings.error(self.origin.place(path), rule, message, hint=hint)
