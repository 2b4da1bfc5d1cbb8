"""Kinds of objects, their addresses in the API, and objects as they travel: plain JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from wanctl.kubernetes.errors import ClusterConfigError

KubeObject = dict[str, Any]

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
LONGEST_NAME = 253


def is_namespace(text: str) -> bool:
    return _NAMESPACE.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """Names of most kinds: letters and digits in lower case, with - and . between them."""
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class ResourceType:
    """One kind of object, as the API names it."""

    group: str  # empty for the oldest kinds
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, part: str | None = None) -> str:
        """The address of all objects (of a namespace), of one, or of a part of one, such as its status."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{_segment(namespace)}" if namespace and self.namespaced else ""
        one = f"/{_segment(name)}" if name is not None else ""
        return f"{root}{inside}/{self.plural}{one}" + (f"/{part}" if part else "")

    def labelled(self, namespace: str | None, name: str | None = None) -> str:
        """For messages: Secret wanctl/ledger."""
        where = "/".join(part for part in (namespace if self.namespaced else None, name) if part)
        return f"{self.kind} {where}".rstrip()


def _segment(name: str) -> str:
    """A name as one segment of a path: nothing that climbs, and nothing empty."""
    if not name or not name.strip(".") or "/" in name:
        raise ClusterConfigError(f"{name!r} is no name of an object in Kubernetes")
    return quote(name, safe="")


NAMESPACES = ResourceType("", "v1", "namespaces", "Namespace", namespaced=False)
PODS = ResourceType("", "v1", "pods", "Pod")
SECRETS = ResourceType("", "v1", "secrets", "Secret")
CONFIG_MAPS = ResourceType("", "v1", "configmaps", "ConfigMap")
EVENTS = ResourceType("", "v1", "events", "Event")
LEASES = ResourceType("coordination.k8s.io", "v1", "leases", "Lease")
CUSTOM_RESOURCE_DEFINITIONS = ResourceType(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)


def metadata(item: Mapping[str, Any]) -> dict[str, Any]:
    """The object's metadata; empty where it has none."""
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def name_of(item: Mapping[str, Any]) -> str:
    return str(metadata(item).get("name", ""))


def namespace_of(item: Mapping[str, Any]) -> str | None:
    return metadata(item).get("namespace")


def version_of(item: Mapping[str, Any]) -> str | None:
    """The resourceVersion: it differs after each change, and says nothing else."""
    return metadata(item).get("resourceVersion")


def uid_of(item: Mapping[str, Any]) -> str | None:
    return metadata(item).get("uid")
