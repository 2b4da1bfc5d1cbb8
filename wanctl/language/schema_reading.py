"""Which keys a model takes at a path: what near misses of misspelt keys are looked for among."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from wanctl.language.nodes import DocumentPath


def keys_at(model: type[BaseModel], path: DocumentPath) -> list[str]:
    """The keys of the mapping at a path below the model; empty where any key goes."""
    annotation: Any = model
    for part in path:
        annotation = next(_below(annotation, part), None)
    fields = next(_models(annotation), BaseModel).model_fields
    return [field.alias or name for name, field in fields.items()]


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    """What the annotation says of a value under this key or number."""
    for model in _models(annotation):
        if part in model.model_fields:
            yield model.model_fields[str(part)].annotation
    for one in (annotation, *get_args(annotation)):
        if get_origin(one) is dict:
            yield get_args(one)[1]
        elif get_origin(one) is tuple and isinstance(part, int):
            yield get_args(one)[0]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
