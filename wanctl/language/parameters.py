"""Hyper-parameters that a base model does not have: some are of every model, some of one.

The catalogue says which, and not a model of the documents: a project's own file may add more.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from wanctl.address import Kind
from wanctl.catalogue.base_models import COMMON, Catalogue, CatalogueModel
from wanctl.language.rules.musts import misspelt_model
from wanctl.language.translation import unknown_key
from wanctl.language.yaml.documents import Complaint
from wanctl.language.yaml.nodes import dotted


def unknown_parameters(kind: Kind, value: Mapping[str, Any], catalogue: Catalogue) -> Iterator[Complaint]:
    """Those of a training's document."""
    if kind != Kind.FINETUNE:
        return
    name = str(value.get("model"))
    base = catalogue.base_model(misspelt_model(name, catalogue) or name)
    known = (*COMMON, *(base.hyper_parameters if base else ()))
    for key in _mapping(value, "hyper_parameters"):
        if key not in known:
            yield unknown_key(("hyper_parameters", key), str(key), "hyper_parameters", known)


def unknown_defaults(own: Mapping[str, Any], packaged: Mapping[str, CatalogueModel]) -> Iterator[Complaint]:
    """Those of a project's own catalogue, which is laid over the packaged one."""
    for name, model in _mapping(own, "models").items():
        more = _mapping(model, "hyper_parameters")
        known = (*COMMON, *more, *(packaged[name].hyper_parameters if name in packaged else ()))
        for key in _mapping(model, "defaults"):
            if key not in known:
                path = ("models", name, "defaults", key)
                yield unknown_key(path, str(key), dotted(path[:-1]), known)


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}
