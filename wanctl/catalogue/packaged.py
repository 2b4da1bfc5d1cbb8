"""Reads the catalogue that comes with wanctl; the values themselves (`base_models`) read no file."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from wanctl.catalogue.base_models import CatalogueFile, CatalogueModel

_PACKAGED = Path(__file__).with_name("catalogue.yaml")


@cache
def packaged_catalogue() -> dict[str, Any]:
    """catalogue.yaml of this package, as it stands."""
    loaded: dict[str, Any] = yaml.load(_PACKAGED.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def packaged_models() -> Mapping[str, CatalogueModel]:
    """The base models that wanctl knows of, for who has no project yet."""
    return models_of(packaged_catalogue())


def models_of(catalogue: dict[str, Any]) -> Mapping[str, CatalogueModel]:
    """The base models of a catalogue's content; ValidationError if it is none."""
    return CatalogueFile.model_validate(catalogue).models
