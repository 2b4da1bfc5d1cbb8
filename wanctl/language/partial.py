"""What is left of a document that is wrong somewhere: so much of it as can still be judged.

A person who corrects one mistake should not meet the next one only then. Wrong values are taken out,
stand-ins are put where a value is needed, and what is found about either is not told: it was told of before.
"""

import copy
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from wanctl.base.words import did_you_mean
from wanctl.catalogue.base_models import HyperParameters
from wanctl.finding import Finding
from wanctl.language.models import Resourceful
from wanctl.language.resources import DocumentKind
from wanctl.language.translation import complaints, document_path, keys_at
from wanctl.language.yaml.documents import Complaint
from wanctl.language.yaml.nodes import DocumentPath, dotted

_UNKNOWN = "unknown"
_STAND_INS: dict[str, Any] = {
    "name": _UNKNOWN,
    "model": _UNKNOWN,
    "training": [_UNKNOWN],
    "finetune": _UNKNOWN,
    "source": _UNKNOWN,
    "aigc_config": {"unknown": True},
}
_PARAMETERS = "hyper_parameters"
_NOTHING: Any = object()
_ROUNDS = 4  # what is taken out may be needed, and what is put in its place may be too much


@dataclass(frozen=True)
class PartialSpec:
    """The document as far as it can be read, and the paths that say nothing."""

    spec: Resourceful
    wrong: frozenset[str]
    late: tuple[Complaint, ...] = ()  # of the document as a whole: nobody asks for it while a value is wrong

    def tells(self, finding: Finding, owner: str) -> bool:
        """Whether it is about something that a person wrote and that was read."""
        path = finding.path.removeprefix(f"{owner}.")
        return not any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in self.wrong)

    def has_read(self, keys: Collection[str]) -> bool:
        """Whether nothing of these keys is wrong."""
        return not any(re.split(r"[.\[]", one)[0] in keys for one in self.wrong)

    @property
    def unread_parameters(self) -> Collection[str]:
        """The hyper-parameters that could not be read."""
        if _PARAMETERS in self.wrong:
            return HyperParameters.model_fields
        return {one.partition(".")[2] for one in self.wrong if one.startswith(f"{_PARAMETERS}.")}


def partial_spec(
    kind: DocumentKind, value: dict[str, Any], told: Collection[DocumentPath]
) -> PartialSpec | None:
    """What can be read of it; None where too little is left to say anything."""
    kept, wrong = copy.deepcopy(value), set(told)
    for path in told:
        _take_out(kept, path, kind)
    late: tuple[Complaint, ...] = ()
    for _ in range(_ROUNDS):
        try:
            spec = kind.model.model_validate(kept)
        except ValidationError as error:
            late = (*late, *_of_the_whole(error, kind, wrong))
            for path in _wrong_in(error, kept):
                wrong.add(path)
                _take_out(kept, path, kind)
        else:
            unread = {dotted(path) for path in (*wrong, *_meant(wrong, kind)) if path}
            wrong_keys = unread | (set(kind.one_of) if () in wrong else set())
            return PartialSpec(spec, frozenset(wrong_keys), late)
    return None


def _of_the_whole(
    error: ValidationError, kind: DocumentKind, wrong: Collection[DocumentPath]
) -> Iterator[Complaint]:
    """That not exactly one of several keys is written, where each of them could be read."""
    unread = {path[0] for path in (*wrong, *_meant(wrong, kind)) if path}
    if () not in wrong and kind.one_of and unread.isdisjoint(kind.one_of):
        yield from (one for one in complaints(error, kind.model) if not one.path)


def _meant(wrong: Collection[DocumentPath], kind: DocumentKind) -> Iterator[DocumentPath]:
    """The keys that are misspelt at these paths."""
    for path in wrong:
        known = keys_at(kind.model, path[:-1]) if path and isinstance(path[-1], str) else []
        if path and path[-1] not in known and (near := did_you_mean(str(path[-1]), known)):
            yield (*path[:-1], near)


def _inside(value: Any, part: str | int) -> Any:
    """What a mapping or a list has there; _NOTHING if nothing."""
    if isinstance(value, dict):
        return value.get(part, _NOTHING)
    known = isinstance(value, list) and isinstance(part, int) and part < len(value)
    return value[part] if known else _NOTHING


def _wrong_in(error: ValidationError, value: dict[str, Any]) -> Iterator[DocumentPath]:
    """Where values are wrong, as far as the document has them: a union names its members behind that."""
    for one in error.errors(include_url=False, include_context=False):
        path, found, depth = document_path(one["loc"]), value, 0
        for part in path:
            found = _inside(found, part)
            if found is _NOTHING:
                depth += one["type"] == "missing" and depth == len(path) - 1
                break
            depth += 1
        yield path[: max(depth, min(1, len(path)))]


def _take_out(value: dict[str, Any], path: DocumentPath, kind: DocumentKind) -> None:
    """Without the wrong value; where one is needed, with a stand-in. Elements of lists keep their places."""
    if not path:  # one of several keys is wanted
        for key in kind.one_of:
            value.pop(key, None)
        if kind.one_of:
            value[kind.one_of[-1]] = _UNKNOWN
        return
    *around, last = path
    owner: Any = value
    for part in around:
        owner = _inside(owner, part)
    if isinstance(owner, dict):
        owner.pop(last, None)
        if not around:
            _stand_in(value, str(last), kind)
    elif _inside(owner, last) is not _NOTHING:
        owner[last] = _UNKNOWN


def _stand_in(value: dict[str, Any], key: str, kind: DocumentKind) -> None:
    field = kind.model.model_fields.get(key)
    if field and field.is_required() and key in _STAND_INS:
        value[key] = copy.deepcopy(_STAND_INS[key])
    elif key in kind.one_of and not any(other in value for other in kind.one_of):
        value[kind.one_of[-1]] = _UNKNOWN
