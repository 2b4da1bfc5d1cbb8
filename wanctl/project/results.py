"""The results of a project's methods: values that can show themselves, as text, Markdown, HTML or data."""

from dataclasses import dataclass, field, fields
from html import escape
from typing import Any, Self

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.plan import Plan, Status
from wanctl.render.lineage import References, Texts
from wanctl.render.options import PlanFormat, RenderOptions


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
