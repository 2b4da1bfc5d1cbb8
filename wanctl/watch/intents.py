"""What the specs want of each resource, in one digest: with all that it stands on, down to its data's bytes.

It is known before anything is done and stays the same while it is done, so a person can approve by it what
begins hours later. Pure; the policy of the loop uses it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from wanctl.address import Address
from wanctl.kinds.context import LocalData
from wanctl.language.models import Dataset
from wanctl.language.resources import Desired, Resource


def intents_of(desired: Desired, local: Mapping[Address, LocalData]) -> Mapping[Address, str]:
    """For every resource of the specs."""
    found: dict[Address, str] = {}
    for address, resource in desired.resources.items():  # upstream first
        below = [found[reference] for reference in resource.references]
        found[address] = digest_of({"wanted": _wanted(resource, local.get(address)), "upstream": below})
    return found


def digest_of(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _wanted(resource: Resource, data: LocalData | None) -> Any:
    """Of a data set its content alone: where it lies, and what it is called there, changes nothing."""
    if isinstance(resource.spec, Dataset) and data and data.facts:
        return {"content": f"sha256:{data.facts.digest}"}
    return resource.spec.model_dump(mode="json")
