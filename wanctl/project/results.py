"""The results of a project's methods: values that can show themselves, as text, Markdown, HTML or data."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, fields, replace
from html import escape
from typing import Any, Self

from wanctl.address import Address
from wanctl.base.classes import dataclass
from wanctl.base.words import counted
from wanctl.dataset.checks import abridged
from wanctl.engine.converge import Outcome
from wanctl.finding import Finding, Severity
from wanctl.kinds.context import LocalData
from wanctl.language.findings import rendered as rendered_finding
from wanctl.language.resources import Desired, Resource
from wanctl.language.rules.references import missing_sources
from wanctl.plan import Plan, Status
from wanctl.render.lineage import References, Texts
from wanctl.render.options import Command, PlanFormat, RenderOptions
from wanctl.rules import Rule


@dataclass(frozen=True, repr=False)
class PlanResult(Plan):
    """A plan that shows itself. Its digest approves it: `project.apply(approve=plan)`."""

    # A subclass: the engine and all outputs take it as it is, and plan.py stays below what renders it.
    references: References | None = field(default=None, compare=False)
    texts: Texts = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, plan: Plan, references: References, texts: Texts | None = None) -> Self:
        known = {one.name: getattr(plan, one.name) for one in fields(Plan)}
        return cls(**known, references=references, texts=texts or {})

    def to_text(self) -> str:
        return self._rendered(PlanFormat.TEXT)

    def to_markdown(self, link: str | None = None) -> str:
        """For a pull request; `link` is where the whole output is, should this one have to be cut."""
        return self._rendered(PlanFormat.MARKDOWN, link)

    def to_html(self) -> str:
        """One page that loads nothing."""
        return self._rendered(PlanFormat.HTML)

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl plan --format json`."""
        return self.as_json()

    def _rendered(self, format_: PlanFormat, link: str | None = None) -> str:
        from wanctl.render.rendering import rendered

        apply = (f"wanctl apply --approve {self.digest}",)
        return rendered(self, format_, RenderOptions(self.references, apply, link, texts=self.texts))

    def _repr_html_(self) -> str:
        """The page in a frame of its own: its style is not the notebook's."""
        height = min(240 + 60 * len(self.steps), 900)
        return (
            f'<iframe title="wanctl plan" sandbox srcdoc="{escape(self.to_html())}" '
            f'style="width: 100%; height: {height}px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        from wanctl.render.summary import headline

        place = "/".join(part for part in (self.project, self.environment) if part)
        return f"<wanctl.Plan {place}: {headline(self)}, digest {self.digest[:12]}>"


@dataclass(repr=False)
class ApplyResult(Outcome):
    """How an apply ended: the plan that is left, what was done, and what failed."""

    references: References | None = None
    approved: bool = True  # false: whoever was asked said no, and nothing was done

    @classmethod
    def of(cls, outcome: Outcome, references: References, *, approved: bool = True) -> Self:
        known = {one.name: getattr(outcome, one.name) for one in fields(Outcome)}
        return cls(**known, references=references, approved=approved)

    @property
    def plan(self) -> PlanResult:
        """The plan of what is left to do or to wait for."""
        return PlanResult.of(self.draft.plan, self.references or {})

    @property
    def ok(self) -> bool:
        """Nothing failed, came up unapproved, or stands in the way. There may be more to wait for."""
        stuck = self.plan.status in {Status.ERROR, Status.BLOCKED}
        return self.approved and not (self.failures or self.unapproved or stuck)

    @property
    def converged(self) -> bool:
        """The account is as the specs say."""
        return self.plan.status is Status.CONVERGED

    def to_text(self) -> str:
        from wanctl.render.text.console import plain
        from wanctl.render.text.run import outcome_lines

        return plain(outcome_lines(self, Command.APPLY, plan_shown=True))

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl apply --format json`."""
        from wanctl.render.json.documents import outcome_json

        return outcome_json(self)

    def __repr__(self) -> str:
        done, failed = counted(len(self.done), "call"), len(self.failures)
        return f"<wanctl.ApplyResult {self.plan.status.value}: {done} made, {failed} failed>"


@dataclass(frozen=True)
class ResourceStatus:
    """One resource: its state in words, the live object behind it, and why it is not done."""

    address: Address
    state: str
    remote_id: str | None
    reason: str


@dataclass(frozen=True, repr=False)
class ProjectStatus:
    """Each resource as it is in the account, and what it waits for."""

    plan: PlanResult

    @property
    def converged(self) -> bool:
        return self.plan.status is Status.CONVERGED

    @property
    def resources(self) -> tuple[ResourceStatus, ...]:
        from wanctl.render.words import spell_state

        return tuple(
            ResourceStatus(step.address, spell_state(step), step.remote_id, step.reason)
            for step in self.plan.steps
        )

    def to_text(self) -> str:
        from wanctl.render.text.account import status_lines
        from wanctl.render.text.console import plain

        return plain(status_lines(self.plan))

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl status --format json`: the plan's."""
        return self.plan.as_json()

    def __repr__(self) -> str:
        resources = counted(len(self.plan.steps), "resource")
        return f"<wanctl.ProjectStatus {self.plan.project}: {self.plan.status.value}, {resources}>"


@dataclass(frozen=True, repr=False)
class Validation:
    """Errors of specs that could be read, and of their datasets, and points to consider."""

    project: str
    environment: str | None
    resources: int
    diagnostics: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.diagnostics if one.severity is Severity.ERROR)

    @property
    def valid(self) -> bool:
        return not self.errors

    def sentence(self) -> str:
        """The verdict in one line."""
        warnings = len(self.diagnostics) - len(self.errors)
        verdict = "valid" if self.valid else counted(len(self.errors), "error")
        more = f", {warnings} to consider" if warnings else ""
        return f"{self.project}: {counted(self.resources, 'resource')}, {verdict}{more}."

    def to_text(self) -> str:
        return "".join(f"{rendered_finding(one)}\n" for one in self.diagnostics) + f"{self.sentence()}\n"

    def to_dict(self) -> dict[str, Any]:
        """The document of `wanctl validate --format json`."""
        from wanctl.render.json.documents import validation_json

        return validation_json(self.diagnostics)

    def __repr__(self) -> str:
        return f"<wanctl.Validation {self.sentence().removesuffix('.')}>"


def dataset_diagnostics(desired: Desired, local: Mapping[Address, LocalData]) -> Iterator[Finding]:
    """Problems of the datasets' files, at the document that names them, with the file's own place."""
    for address, data in local.items():
        resource = desired.resources[address]
        missing = [*missing_sources({address: resource}, desired.sources)]
        yield from missing
        if data.problem and not missing:
            yield _at_source(resource, Finding.error(Rule.DATASET, data.problem), data.source)
        for problem in abridged(_not_told(resource, data, local)):
            yield _at_source(resource, problem, data.source)


def _not_told(resource: Resource, data: LocalData, local: Mapping[Address, LocalData]) -> Iterable[Finding]:
    """Of a part only errors that its whole does not have: the rest is told there."""
    whole = next((local[one] for one in resource.references if one in local), None)
    if whole is None or whole.facts is None:
        return data.problems
    told = {(one.rule, one.place) for one in whole.problems}
    return [
        one for one in data.problems if one.severity is Severity.ERROR and (one.rule, one.place) not in told
    ]


def _at_source(resource: Resource, problem: Finding, source: str) -> Finding:
    """At the line that names the dataset; the line itself is right, so it is not shown."""
    where = f"{source}/{problem.place}: " if problem.place else ""
    named = replace(resource.at("source"), source_line=None, length=1)
    return replace(problem, message=where + problem.message, place=named, path=str(resource.address))
