"""Which keys a model takes at a path: what near misses of misspelt keys are looked for among."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from wanctl.spec.documents import DocumentPath


def keys_at(model: type[BaseModel], path: DocumentPath) -> list[str]:
    """The keys of the mapping at a path below the model; empty where any key goes."""
    current: type[BaseModel] | None = model
    for part in path:
        field = current.model_fields.get(str(part)) if current else None
        current = next(_models_in(field.annotation), None) if field else None
    return list(current.model_fields) if current else []


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
