"""The custom resources of wanctl beyond its documents, as a user writes them, and what their status says.

Keys of wanctl.yaml and of the documents are written as they are there; keys that only Kubernetes has are
written as Kubernetes writes its own. `kubectl explain` shows the descriptions here.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from wanctl.base.values import Flag, Identifier, Model, String, Whole
from wanctl.language.fields import Name
from wanctl.language.scalars import Url
from wanctl.language.settings import Provider
from wanctl.plan import Action

GROUP = "wanctl.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
ACCOUNT, PROJECT = "StudioAccount", "WanProject"

_OBJECT = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
_NAMESPACE = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
ObjectName = Annotated[str, Field(pattern=_OBJECT)]
NamespaceName = Annotated[str, Field(pattern=_NAMESPACE)]
ApprovedDigest = Annotated[str, Field(pattern=r"^(sha256:)?[0-9a-f]{64}$")]
Approvable = Literal[
    Action.UPLOAD,
    Action.TRAIN,
    Action.EXPORT,
    Action.DEPLOY,
    Action.SCALE,
    Action.CHECK,
    Action.REPLACE,
    Action.DELETE,
    Action.CANCEL,
    Action.ADOPT,
    Action.MOVE,
    Action.PROTECT,
    Action.UNPROTECT,
]


class KubernetesModel(Model):
    """The base of what only Kubernetes has: its keys are spelt as there."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, alias_generator=to_camel, populate_by_name=True
    )


class DeletionPolicy(StrEnum):
    """What becomes of what is live when its custom resource is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class NamedRef(KubernetesModel):
    """Another custom resource, by its name."""

    name: ObjectName
    """Its name."""


class SecretRef(KubernetesModel):
    """A key of a Secret beside the account."""

    name: ObjectName
    """The Secret, in the namespace of the account."""
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$")] = "DASHSCOPE_API_KEY"
    """The key of the Secret whose value is the API key."""


class StudioAccountSpec(KubernetesModel):
    """An account at Model Studio. It lives in the namespace of the operator, with the Secret of its key."""

    model_config = ConfigDict(alias_generator=None)

    provider: Provider = Provider.MODEL_STUDIO
    """model-studio: the real service. sandbox: embedded in the operator, no key, no bill."""
    region: String = Field(default="singapore", examples=["singapore"])
    """The region of Model Studio. Keys, models and prices belong to one region."""
    base_url: Url | None = None
    """Instead of a region. The key goes to hosts of Model Studio and to this machine only."""
    workspace: Identifier | None = None
    """The workspace of the account, if it is not the default one."""
    secret_ref: SecretRef | None = Field(default=None, alias="secretRef")
    """Where the API key is. The sandbox needs none."""
    allowed_namespaces: tuple[NamespaceName | Literal["*"], ...] = Field(
        default=(), alias="allowedNamespaces", examples=[["films", "adverts"]]
    )
    """The namespaces whose projects may use the account; * for every one. Without any, none may."""


class SourceRef(KubernetesModel):
    """An artifact of Flux that holds the project's folder."""

    kind: Literal["GitRepository", "OCIRepository", "Bucket"] = "GitRepository"
    """The kind of the source."""
    name: ObjectName
    """The name of the source, in the namespace of the project."""
    path: String = Field(default=".", examples=["films/rain"])
    """The folder with wanctl.yaml, within the artifact."""


class WanProjectSpec(KubernetesModel):
    """A project: what is planned and applied together, under one approval and one lease."""

    account_ref: NamedRef
    """The StudioAccount, in the namespace of the operator. Its allowedNamespaces have to name this one."""
    environment: Name | None = None
    """The environment, as --env names it; it is part of every plan's digest. With sourceRef, one of
    wanctl.yaml."""
    source_ref: SourceRef | None = None
    """Where a wanctl.yaml and its documents come from, instead of custom resources: an artifact of Flux."""
    require_approval: tuple[Approvable, ...] = Field(default=(), examples=[["train", "delete"]])
    """Actions that wait until approvals has their digest."""
    approvals: tuple[ApprovedDigest, ...] = Field(
        default=(), json_schema_extra={"x-kubernetes-list-type": "set"}
    )
    """What is approved: the digests of steps, or of whole plans, as status shows them."""
    self_heal: Flag = False
    """true: what the world has undone is done again. Left out, it waits for a person."""
    suspend: Flag = False
    """true: nothing is planned and nothing is done until it is lifted."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """When this or a custom resource of the project is deleted. Retain: what is live goes on at the service.
    Delete: it is deleted there first, if its deletion is approved where that is required."""


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(KubernetesModel):
    """One thing that is so, or is not."""

    type: String
    """Ready, Reconciling, Stalled or WaitingForPerson."""
    status: ConditionStatus
    """Whether it is so."""
    reason: String
    """Why, in a word for programs."""
    message: str
    """Why, in a sentence for people."""
    observed_generation: Whole
    """The generation of the object that it is about."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """Since when status is what it is."""


class ConditionedStatus(KubernetesModel):
    """What every custom resource of wanctl says of itself."""

    observed_generation: Whole | None = None
    """The generation of the object that was looked at last."""
    conditions: tuple[Condition, ...] = Field(
        default=(),
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    """Ready, Reconciling, Stalled and WaitingForPerson."""


class DocumentStatus(ConditionedStatus):
    """Where one resource of a project stands."""

    action: str | None = None
    """What is done to it next: train, choose, deploy; nothing if it is as it should be."""
    state: str | None = None
    """done, now, waiting_on_service, waiting_for_person, later or blocked."""
    remote_id: str | None = None
    """What it is called at the service: a file, a job or a deployed model."""
    digest: str | None = None
    """The digest that approves its step, while that waits for approval."""


class PendingStep(KubernetesModel):
    """A step that waits for approval."""

    address: String
    """The resource, as Kind/name."""
    action: String
    """What is done to it."""
    digest: String
    """What to write under approvals."""


class WanProjectStatus(ConditionedStatus):
    """Where a project stands."""

    state: str | None = None
    """The plan in a word: converged, changes, in_progress, waiting_for_person, blocked, error or failing."""
    plan_digest: str | None = None
    """The digest of the plan; under approvals it approves all of its steps."""
    to_approve: tuple[PendingStep, ...] = ()
    """The steps that wait for approval."""
    revision: str | None = None
    """The revision of the artifact that was planned, with sourceRef."""


def dumped(model: KubernetesModel) -> dict[str, Any]:
    """As the object has it: keys as Kubernetes writes them, and nothing that is left out."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
