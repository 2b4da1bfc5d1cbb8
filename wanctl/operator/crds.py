"""`wanctl crds`: the definitions of the custom resources, made from the models that read them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wanctl.address import Kind
from wanctl.language.resources import DOCUMENTS
from wanctl.language.schema import PROJECT as SETTINGS
from wanctl.language.schema import Schema, described, described_model
from wanctl.language.writing import plain_yaml
from wanctl.operator.custom_resources import (
    ACCOUNT,
    GROUP,
    PROJECT,
    VERSION,
    ConditionedStatus,
    DocumentStatus,
    KubernetesModel,
    NamedRef,
    StudioAccountSpec,
    WanProjectSpec,
    WanProjectStatus,
)
from wanctl.operator.structural import LITERAL, documented, structural, structural_status

CATEGORY = "wanctl"
OF_THE_ACCOUNT = ("provider", "region", "base_url", "workspace")
NOT_IN_OBJECTS = {  # keys of wanctl.yaml that a WanProject does not have, and what it has instead
    **dict.fromkeys(OF_THE_ACCOUNT, "the StudioAccount says it"),
    "version": "apiVersion says it",
    "environments": "each environment is a WanProject of its own",
    "trains_in": "each environment is planned by itself",
    "ledger": "the operator keeps it beside the accounts",
    "notifications": "Events and conditions tell what happens",
}
_SHORT = {
    ACCOUNT: "wacc",
    PROJECT: "wproj",
    "Dataset": "wds",
    "FineTune": "wft",
    "Checkpoint": "wcp",
    "Deployment": "wdep",
}
_NAME = "The name within the project, if it is not that of the object: letters, digits, - and _."
_PROJECT_REF = "The WanProject that it is part of, in the same namespace."
_FROM_CONFIG_MAP: Schema = {
    "type": "object",
    "properties": {
        "configMap": {
            "type": "object",
            "description": "A key of a ConfigMap in this namespace that holds the text: name and key.",
        }
    },
}
_OF_SOURCE = (
    "A URL of a folder or .zip with data.jsonl (s3://, oss://, https://); {file_id: …} of an upload; "
    "{oss: …} of an unpacked folder that the service reads in OSS; {pvc: {claim: …, path: …}} on a volume of "
    "the operator; or {artifact: {kind: GitRepository, name: …, path: …}} of Flux."
)


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    path: str
    wide: bool = False  # with -o wide alone
    type: str = "string"

    def written(self) -> dict[str, Any]:
        more = {"priority": 1} if self.wide else {}
        return {"name": self.name, "type": self.type, "jsonPath": self.path, **more}


@dataclass(frozen=True)
class CustomKind:
    """One custom resource: what its spec and its status hold, and how it is listed."""

    kind: str
    description: str
    spec: Schema
    status: type[KubernetesModel]
    columns: tuple[Column, ...]
    fixed: Mapping[str, str]  # what cannot change later → why, where the server can refuse it

    @property
    def plural(self) -> str:
        return f"{self.kind.lower()}s"

    @property
    def name(self) -> str:
        return f"{self.plural}.{GROUP}"

    def definition(self, *, cel: bool = False) -> dict[str, Any]:
        """The CustomResourceDefinition; with `cel`, the rules that servers from 1.25 on understand."""
        short = {"shortNames": [_SHORT[self.kind]]} if self.kind in _SHORT else {}
        names = {"kind": self.kind, "listKind": f"{self.kind}List", "plural": self.plural}
        version = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [one.written() for one in (*self.columns, _AGE)],
            "schema": {"openAPIV3Schema": self._schema(cel=cel)},
        }
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name},
            "spec": {
                "group": GROUP,
                "names": {**names, "singular": self.kind.lower(), **short, "categories": [CATEGORY]},
                "scope": "Namespaced",
                "versions": [version],
            },
        }

    def _schema(self, *, cel: bool) -> Schema:
        about = f"{self.description}\n\nIts keys:\n\n{documented(self.spec)}"
        spec = {**structural({**self.spec, "description": about}), **_one_of(self.spec)}
        if cel and self.fixed:
            spec["x-kubernetes-validations"] = [
                {"rule": _unchanged(path), "message": f"{path} cannot change: {why}"}
                for path, why in self.fixed.items()
            ]
        return {
            "type": "object",
            "description": self.description,
            "required": ["spec"],
            "properties": {
                "spec": spec,
                "status": structural_status(described_model(self.status)),
            },
        }


_AGE = Column("Age", ".metadata.creationTimestamp", type="date")
_STATE = Column("State", ".status.state")
_READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
_WHY = Column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True)


def custom_kinds() -> tuple[CustomKind, ...]:
    """Every custom resource: account and project, then the documents, upstream first."""
    schemas = described()
    return (
        CustomKind(
            ACCOUNT,
            _doc(StudioAccountSpec),
            {**described_model(StudioAccountSpec), LITERAL: True},
            ConditionedStatus,
            (Column("Provider", ".spec.provider"), Column("Region", ".spec.region"), _READY, _WHY),
            {},
        ),
        CustomKind(
            PROJECT,
            _doc(WanProjectSpec),
            _project_spec(schemas[SETTINGS]),
            WanProjectStatus,
            (
                Column("Project", ".spec.project"),
                Column("Environment", ".spec.environment"),
                _READY,
                _STATE,
                Column("Digest", ".status.planDigest", wide=True),
                _WHY,
            ),
            {
                "project": "it is part of every name at the service",
                "environment": "its ledger is another one",
                "accountRef": "what was made stays in its account",
            },
        ),
        *(_document_kind(kind, schemas[str(kind)]) for kind in Kind),
    )


def _document_kind(kind: Kind, schema: Schema) -> CustomKind:
    model = DOCUMENTS[kind].model
    properties = {
        "projectRef": {**described_model(NamedRef), "description": _PROJECT_REF, LITERAL: True},
        "name": {**schema["properties"]["name"], "description": _NAME, LITERAL: True},
        **{key: _from_objects(value) for key, value in schema["properties"].items() if key != "name"},
    }
    if "source" in properties:
        properties["source"] = {**properties["source"], "description": _OF_SOURCE}
    required = ["projectRef", *(key for key in schema.get("required", ()) if key != "name")]
    spec = {**schema, "properties": properties, "required": required, "one_of": DOCUMENTS[kind].one_of}
    wide = Column("Remote", ".status.remoteId", wide=True)
    columns = (Column("Project", ".spec.projectRef.name"), *_own_columns(schema), _STATE, _READY, wide, _WHY)
    fixed = {
        "projectRef": "make a new object in the other project",
        "name": "write moved_from in a new object",
    }
    return CustomKind(str(kind), _doc(model), spec, DocumentStatus, columns, fixed)


def _own_columns(schema: Schema) -> Iterator[Column]:
    """What tells the resources of a kind apart at a glance."""
    for key in ("model", "finetune", "checkpoint"):
        if key in schema["properties"]:
            yield Column(key.capitalize(), f".spec.{key}")


def _from_objects(schema: Schema) -> Schema:
    """A text comes from a ConfigMap where a document has {file: …}; also in the mappings below."""
    if schema.get("properties", {}).keys() == {"file"}:
        return _FROM_CONFIG_MAP
    found = dict(schema)
    if "anyOf" in schema:
        found["anyOf"] = [_from_objects(one) for one in schema["anyOf"]]
    if "properties" in schema:
        found["properties"] = {key: _from_objects(value) for key, value in schema["properties"].items()}
    return found


def _project_spec(settings: Schema) -> Schema:
    """The project's own keys, then those of wanctl.yaml."""
    own = described_model(WanProjectSpec)
    taken = {key: value for key, value in settings["properties"].items() if key not in NOT_IN_OBJECTS}
    literal = {key: {**value, LITERAL: True} for key, value in own["properties"].items()}
    properties = {**literal, **taken}
    return {**own, "properties": properties, "one_of": ("project", "sourceRef")}


def _one_of(spec: Schema) -> Schema:
    """Exactly one of several keys."""
    return {"oneOf": [{"required": [key]} for key in spec["one_of"]]} if spec.get("one_of") else {}


def _unchanged(path: str) -> str:
    return f"has(self.{path}) == has(oldSelf.{path}) && (!has(self.{path}) || self.{path} == oldSelf.{path})"


def _doc(model: type) -> str:
    return " ".join((model.__doc__ or "").split())


def crds_yaml(*, cel: bool = False) -> str:
    """All definitions as one file of YAML; the same for the same models."""
    head = "# Made by `wanctl crds`.\n"
    return head + "---\n".join(plain_yaml(one.definition(cel=cel)) for one in custom_kinds())
