"""The editions of the catalogue that come with wanctl; the values themselves (`base_models`) read no file.

An edition is what the documents said at a date. A project names one, so that no later wanctl changes what its
trainings are sent or cost.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from wanctl.catalogue.base_models import CatalogueFile, CatalogueModel
from wanctl.studio.regions import region_named

HERE = Path(__file__).parent
UNNAMED = "2026-05-28"  # for who names no edition: it stood before a project could name one


@cache
def editions() -> tuple[str, ...]:
    """Their dates, the oldest first."""
    return tuple(sorted(path.stem for path in HERE.glob("[0-9]*.yaml")))


def newest_edition() -> str:
    return editions()[-1]


@cache
def packaged_catalogue(edition: str = UNNAMED) -> dict[str, Any]:
    """An edition's content, as it stands in its file."""
    text = (HERE / f"{edition}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return loaded


def packaged_models(edition: str = UNNAMED, region: str = "singapore") -> Mapping[str, CatalogueModel]:
    """The base models that wanctl knows of, for who has no project yet."""
    return models_of(packaged_catalogue(edition), region)


def models_of(catalogue: dict[str, Any], region: str = "singapore") -> Mapping[str, CatalogueModel]:
    """The base models of a catalogue's content, as they are in a region; ValidationError if it is none."""
    models = catalogue.get("models")
    if isinstance(models, dict):
        found = region_named(region)
        name = found.name if found else region
        catalogue = {**catalogue, "models": {key: _in_region(one, name) for key, one in models.items()}}
    return CatalogueFile.model_validate(catalogue).models


def _in_region(model: Any, region: str) -> Any:
    """The model with what is different in a region laid over it."""
    if not isinstance(model, dict) or not isinstance(model.get("by_region"), dict):
        return model
    everywhere = {key: value for key, value in model.items() if key != "by_region"}
    return laid_over(everywhere, model["by_region"].get(region) or {})


def laid_over(below: Any, above: Any) -> Any:
    """Mappings by key, everything else whole."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    both = {key: laid_over(below[key], value) if key in below else value for key, value in above.items()}
    return {**below, **both}
