"""The JSON of a plan as typed models, for its JSON Schema: `wanctl schema --plan`.

A plan writes itself (`Plan.as_json`); tests hold the two together. Keys are added in minor versions and
change or go in major ones, so a reader ignores what it does not know.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from wanctl.address import Kind
from wanctl.finding import Severity
from wanctl.plan import Action, FieldClass, Status, When


def _of_a_kind(address: str) -> str:
    Kind(address.partition("/")[0])  # raises ValueError where there is none of that name
    return address


class _AnyKind:
    """The kinds that are registered when the schema is printed."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "pattern": f"^({'|'.join(Kind)})/"}


_Address = Annotated[str, AfterValidator(_of_a_kind), _AnyKind]
_Amount = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?(E[+-]?\d+)?$")]


def _left_out() -> Any:
    """A key that most documents do not have."""
    return Field(default=None, exclude_if=lambda value: value is None)


class _Keys(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)


class ChangeKeys(_Keys):
    """One field, before and after."""

    path: str
    """Where the field stands in the document: hyper_parameters.n_epochs."""
    before: Any
    """What it is, as far as that can be known; null where there is nothing yet."""
    after: Any
    """What it becomes; null where it goes, and where it is not known yet."""
    known_after: _Address | None
    """The value is not known before that resource is done."""
    field_class: Annotated[FieldClass, Field(alias="class")]
    """What the service lets happen to the field once it is sent."""
    reason: str
    """Where the value comes from, or why it matters."""


class ProgressKeys(_Keys):
    """How far something in flight has come, as the service tells it."""

    status: str
    """The service's own word."""
    fraction: Annotated[float, Field(ge=0, le=1)] | None
    """Between 0 and 1, where that is known."""
    detail: str
    since: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None
    elapsed_seconds: Annotated[int, Field(ge=0)] | None
    """Since it was asked for, where that is known."""
    left_seconds: Annotated[int, Field(ge=0)] | None
    """About so long it still takes, at the pace so far."""


class CostKeys(_Keys):
    """What a training costs, a range before it runs and the bill after, or the videos of checks. null is
    unknown, never nothing."""

    tokens: tuple[int, int] | None
    """The least and the most."""
    amount: tuple[_Amount, _Amount] | None
    """The least and the most, as decimal numbers in text."""
    currency: str | None
    basis: str
    """Where the price comes from, or why there is none."""
    billed_tokens: int | None
    billed_amount: _Amount | None
    videos: int | None = _left_out()
    """Of checks: so many are still to be asked for; left out for a training."""
    verdicts: int | None = Field(default=None, exclude_if=lambda number: number is None)
    """Of checks: so many of their videos are still to be judged; left out where no model judges."""


class StepKeys(_Keys):
    """What happens to one resource."""

    address: _Address
    """Kind/name."""
    action: Action
    when: When
    """now; waiting on the service or for a person; later, behind `after`; blocked; done."""
    after: list[_Address]
    """What has to be done first."""
    reason: str
    summary: str
    """What it is about, in a few words."""
    changes: list[ChangeKeys]
    remote_id: str | None
    """The live object that it concerns."""
    ends: list[str]
    """The live objects that go by it, at once or later."""
    progress: ProgressKeys | None
    cost: CostKeys | None
    warning: str | None
    """What is lost or out of service by it."""
    hints: list[str]
    """What a person does next."""
    drift: bool
    """The world moved, not the specs."""


class ReadStepKeys(StepKeys):
    """A step about what another environment makes, and this one only reads."""

    made_in: str
    """That environment."""


class FindingKeys(_Keys):
    """Something a person should know which is not a step."""

    severity: Severity
    """An error stops apply; the others do not."""
    rule: str
    """A stable name of what was found."""
    address: _Address | None
    message: str
    hint: str | None
    """What to write or to do instead."""
    place: str | None
    """file:line:column."""


class OrphanKeys(_Keys):
    """Something of ours which is live and in no spec. It is kept."""

    kind: str
    remote_id: str
    note: str
    name: str | None
    """Kind/name of what it was made for."""
    created: str | None
    age_seconds: int | None
    cost: CostKeys | None


class PlanKeys(_Keys):
    """A plan of wanctl, or the document of an error in its place."""

    format_version: Annotated[str, Field(pattern=r"^1\.\d+$")]
    project: str | None
    """null where not even its name could be read."""
    environment: str | None
    """null for the settings without one."""
    provider: str | None
    """sandbox or model-studio; null where there is no plan."""
    status: Status | Literal["valid"]
    """The plan in one word; valid, where the specs were checked and there is no plan."""
    errored: bool
    """The same as status error: nothing can be applied, and findings say why."""
    summary: dict[Action, int]
    """How many steps of each action are still to come."""
    steps: list[StepKeys | ReadStepKeys]
    """One for each resource, in the order in which they run."""
    findings: list[FindingKeys]
    orphans: list[OrphanKeys]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    """sha256 over whose plan it is and what is to be done, without times, progress and prices; null without a
    plan."""
    why: str | None = _left_out()
    """Of status valid alone, with the keys below: the reason why there is no plan."""
    if_nothing_exists: list[StepKeys | ReadStepKeys] | None = _left_out()
    """What an apply would do if nothing of it existed yet: neither account nor ledger was asked."""
    recorded: dict[_Address, str] | None = _left_out()
    """Kind/name → what the ledger among the files of the specs says that is live."""
    untold: list[str] | None = _left_out()
    """What is not known offline."""


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of `plan --format json` and of `--out`."""
    schema = PlanKeys.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "wanctl plan"}
