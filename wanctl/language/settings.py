"""wanctl.yaml: the project's settings, and what an environment changes of them."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from wanctl.base.values import (
    DURATION_PATTERN,
    Amount,
    Duration,
    Flag,
    Identifier,
    Model,
    Positive,
    String,
    Whole,
    parse_duration,
)
from wanctl.language.fields import Name
from wanctl.language.scalars import (
    AddressText,
    Cron,
    EnvironmentName,
    LedgerPlace,
    Speed,
    Start,
    Url,
    Var,
    Zone,
)
from wanctl.studio.regions import region_named, region_of

EDITION_PATTERN = r"^\d{4}-\d{2}-\d{2}$"
DEFAULT_LEDGER = ".wanctl/ledger.json"


class Provider(StrEnum):
    """Where the account is."""

    SANDBOX = "sandbox"
    MODEL_STUDIO = "model-studio"


class Limits(Model):
    """What one plan may do at most, in absolute numbers. Over a limit, nothing is done."""

    new_jobs: Annotated[Whole, Field(ge=0)] | None = Field(default=None, examples=[1])
    """Trainings that one plan may start."""
    spend: Amount | None = Field(default=None, examples=["60 USD"])
    """What the trainings and the checks that one plan starts may cost; a cost that is unknown is over it."""
    deletes: Annotated[Whole, Field(ge=0)] | None = Field(default=None, examples=[1])
    """Objects that one plan may delete."""


class PollingIntervals(Model):
    """How often the service is asked for what is in flight; one duration for all, or one each."""

    jobs: Duration | None = Field(default=None, examples=["60s"])
    """Trainings; left out: 15s, and up to 60s while nothing changes."""
    deployments: Duration | None = Field(default=None, examples=["15s"])
    """Deployments; left out: 5s, and up to 15s while nothing changes."""
    files: Duration | None = Field(default=None, examples=["5s"])
    """Uploads that are being processed; left out: 2s, and up to 5s."""
    exports: Duration | None = Field(default=None, examples=["15s"])
    """Exports of checkpoints; left out: 5s, and up to 15s."""

    @model_validator(mode="before")
    @classmethod
    def _for_all(cls, value: Any) -> Any:
        if isinstance(value, str):
            return dict.fromkeys(cls.model_fields, parse_duration(value))
        if isinstance(value, int | float):
            raise ValueError("must be a duration with its unit, as in 30s, or {jobs: 60s, deployments: 15s}")  # noqa: TRY004 - pydantic turns ValueError into a finding
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        each = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, each]}

    def seconds(self, key: str) -> float | None:
        """Seconds between two looks, where it is said."""
        found: float | None = getattr(self, key)
        return found


class CatalogueChoice(Model):
    """Which facts of base models count: those of an edition, with a project's own over them."""

    edition: Annotated[str, Field(pattern=EDITION_PATTERN)] | None = Field(
        default=None, examples=["2026-05-28"]
    )
    """The date of an edition that comes with wanctl."""
    file: String | None = Field(default=None, examples=["catalogue.yaml"])
    """A file with newer facts, further models and hyper-parameters, relative to wanctl.yaml."""

    @model_validator(mode="before")
    @classmethod
    def _spell(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"edition" if re.fullmatch(EDITION_PATTERN, value) else "file": value}
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        both = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string"}, both]}


class Window(Model):
    """A time that begins by cron and lasts: one in which applying is allowed, or one in which it is not."""

    allow: Cron | None = Field(default=None, examples=["0 9 * * MON-FRI"])
    """When a time begins in which apply may run; outside of all such times it may not."""
    deny: Cron | None = Field(default=None, examples=["0 16 * * FRI"])
    """When a time begins in which apply may not run. It wins over allow."""
    duration: Duration = Field(examples=["4h"])
    """How long it lasts, as a stopwatch tells it."""
    timezone: Zone = Field(default="UTC", examples=["Europe/Berlin"])
    """Whose clock the cron expression is read by."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.allow is None) == (self.deny is None):
            raise ValueError("has to have one of allow and deny")
        return self


class Occasion(StrEnum):
    """What `wanctl watch` tells somebody of, once, when it comes to be so."""

    WAITING = "waiting"
    FAILED = "failed"
    CONVERGED = "converged"
    DRIFT = "drift"


class NotificationFormat(StrEnum):
    """What is posted."""

    JSON = "json"
    SLACK = "slack"


class Notification(Model):
    """A webhook that `wanctl watch` posts to when something changes."""

    url_env: EnvironmentName = Field(examples=["WANCTL_NOTIFY_URL"])
    """The environment variable that holds the URL: it is a secret and stands in no file."""
    format: NotificationFormat = NotificationFormat.JSON
    """json: the event with its data. slack: a text, as Slack, Mattermost and others take it."""
    on: tuple[Occasion, ...] = Field(default=tuple(Occasion), examples=[["waiting", "failed"]])
    """Which events: a person has to act, a failure, everything as the specs say, the world has moved."""


class Moved(Model):
    """One resource under another name, in a project that may be applied elsewhere or later."""

    from_: AddressText = Field(alias="from", examples=["Deployment/rain"])
    """What it was called before."""
    to: AddressText = Field(examples=["Deployment/money-rain"])
    """What it is called now, or what the next line goes on from."""


class SandboxSettings(Model):
    """How the embedded sandbox behaves."""

    speed: Speed = Field(default=1200.0, examples=["instant", 600])
    """How much faster than real its clock runs; instant: its clock jumps to wherever somebody waits for."""
    seed: Whole | None = Field(default=None, examples=[7])
    """Fixes what is random: ids, losses, previews."""
    start: Start = Field(default=None, examples=["2026-03-18T09:00:00+08:00"])
    """The time at which its clock starts; left out, the time of its first use."""
    strict: Flag = Field(default=True, examples=[False])
    """false: it lets pass what the documents only demand, such as 10 samples and 800 steps."""
    trains_at_once: Positive = Field(default=1, examples=[20])
    """How many trainings run side by side; what is over it waits in the queue, as at the service."""


def _check_project(project: str) -> str:
    if "--" in project:
        raise ValueError("must not have --, which divides the parts of the names that wanctl gives")
    return project


class Settings(Model):
    """A project: what wanctl.yaml says, with one environment merged over it."""

    version: Literal[1]
    """The version of this format."""
    project: Annotated[Name, AfterValidator(_check_project)] = Field(examples=["money-rain"])
    """The scope of ownership: part of every name that wanctl gives, and what it finds its own by."""
    provider: Provider = Provider.SANDBOX
    """sandbox: embedded, no key, no network, no bill. model-studio: the real service."""
    region: String = Field(default="singapore", examples=["singapore"])
    """The region of Model Studio. Keys, models and prices belong to one region."""
    base_url: Url | None = Field(default=None, examples=["https://dashscope-intl.aliyuncs.com"])
    """Instead of a region. The key goes to hosts of Model Studio and to this machine only."""
    workspace: Identifier | None = Field(default=None, examples=["llm-xxxx"])
    """The workspace of the account, if it is not the default one. In Singapore, Beijing and Frankfurt it is
    called at a host of its own: https://WORKSPACE.ap-southeast-1.maas.aliyuncs.com."""
    ledger: LedgerPlace = Field(
        default=DEFAULT_LEDGER,
        examples=[DEFAULT_LEDGER, "git:wanctl-ledger", "s3://my-team/wanctl/ledger.json"],
    )
    """Where what the service cannot tell is kept: a file, relative to wanctl.yaml; git:BRANCH or
    git:BRANCH@REMOTE; s3://, oss://, gs:// or az://BUCKET/KEY; or kube:NAMESPACE/NAME. An environment that
    names none has its own beside it."""
    vars: dict[Name, Var] = Field(default={}, examples=[{"trigger": "s86b5p"}])
    """Values for ${name} in the strings and texts of the specs."""
    limits: Limits = Limits.model_construct()
    """What one plan may do at most."""
    polling: PollingIntervals = Field(
        default=PollingIntervals.model_construct(), examples=["30s", {"jobs": "60s", "deployments": "15s"}]
    )
    """How often the service is asked for what is in flight."""
    prices: dict[str, Amount] = Field(default={}, examples=[{"wan2.6-i2v": "0.08 USD"}])
    """Your prices for 1,000 training tokens, instead of the catalogue's; of a vision model that judges, for
    1,000 tokens in or out."""
    catalogue: CatalogueChoice = Field(
        default=CatalogueChoice.model_construct(),
        examples=["2026-05-28", {"edition": "2026-05-28", "file": "catalogue.yaml"}],
    )
    """The edition of the catalogue of base models, by its date: defaults, ranges and prices stay as they were
    then. Or a file with facts of your own, laid over it; or both. `wanctl catalogue` lists the editions."""
    windows: tuple[Window, ...] = Field(
        default=(), examples=[[{"deny": "0 16 * * FRI", "duration": "64h", "timezone": "Europe/Berlin"}]]
    )
    """When apply may run, and when not; without any, always."""
    notifications: tuple[Notification, ...] = Field(
        default=(), examples=[[{"url_env": "WANCTL_NOTIFY_URL", "on": ["waiting", "failed"]}]]
    )
    """Whom `wanctl watch` tells of what."""
    moved: tuple[Moved, ...] = Field(
        default=(), examples=[[{"from": "Deployment/rain", "to": "Deployment/money-rain"}]]
    )
    """What has another name now: the ledger's record goes along, and nothing is made again. A line that was
    applied everywhere can go."""
    sandbox: SandboxSettings = SandboxSettings.model_construct()
    """How the embedded sandbox behaves."""
    trains_in: Name | None = Field(default=None, examples=["staging"])
    """The environment that trains for this one, in the same account. Its datasets, trainings and choices are
    read, by its ledger; this one uploads, trains and exports nothing, and only deploys."""
    environments: dict[Name, dict[str, Any]] = Field(
        default={}, examples=[{"prod": {"provider": "model-studio", "project": "money-rain-prod"}}]
    )
    """Settings that --env NAME puts over these: any of the keys above but version."""

    @property
    def known_region(self) -> str | None:
        """Of the account, where the specs tell it: the sandbox is in none, and an unknown address may be
        anywhere."""
        if self.provider is not Provider.MODEL_STUDIO:
            return None
        region = region_of(self.base_url) if self.base_url else region_named(self.region)
        return region.name if region else None

    @property
    def account(self) -> str:
        """Which account at the real service; empty for the sandbox, which is in no region."""
        if self.provider is Provider.SANDBOX:
            return ""
        return self.base_url or "/".join(part for part in (self.region, self.workspace) if part)


def merged(base: Mapping[str, Any], section: Mapping[str, Any]) -> dict[str, Any]:
    """The base with an environment's section over it: mappings by key, everything else whole."""
    result = {key: value for key, value in base.items() if key != "environments"}
    for key, value in section.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
