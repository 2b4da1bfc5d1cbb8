"""Where a plan goes: standard output in one format, and files in others, all of one plan or one failure."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.options import Format
from wanctl.render.options import PlanFormat

if TYPE_CHECKING:
    from wanctl.plan import Plan
    from wanctl.project import Project
    from wanctl.render.made import OfflinePlan, PlanFailure, Shown
    from wanctl.render.options import RenderOptions

PlanFormatOption = Annotated[
    PlanFormat, typer.Option("--format", metavar="FORMAT", help="text, markdown, json or html.")
]
OutText = Annotated[
    Path | None, typer.Option("--out-text", metavar="FILE", help="Write the plan as text, too.")
]
OutMarkdown = Annotated[
    Path | None, typer.Option("--out-markdown", metavar="FILE", help="Write it as Markdown, too.")
]
OutJson = Annotated[
    Path | None,
    typer.Option("--out-json", metavar="FILE", help="Write it as JSON, too, even when it fails."),
]
OutHtml = Annotated[
    Path | None, typer.Option("--out-html", metavar="FILE", help="Write it as one HTML page, too.")
]
Link = Annotated[
    str | None,
    typer.Option("--link", metavar="URL", help="Where the whole output is, for Markdown that has to be cut."),
]


@dataclass(frozen=True)
class Outputs:
    """The formats and files that the command line asks for."""

    format: PlanFormat
    files: Mapping[PlanFormat, Path | None]
    saved: Path | None  # the plan for apply, which only a plan can be
    link: str | None
    options: Mapping[str, str]  # that the same project needs again

    def publish(self, made: "Plan", project: "Project") -> None:
        """Files first, so that what is printed is true of them as well."""
        from wanctl.render.rendering import rendered

        options = self.publish_files(made, project)
        if self.format is PlanFormat.TEXT:
            from wanctl.render.text.console import columns, emit
            from wanctl.render.text.plan import plan_lines

            emit(plan_lines(made, columns=columns()))
        else:
            sys.stdout.write(rendered(made, self.format, options))

    def publish_files(self, made: "Plan", project: "Project") -> "RenderOptions":
        """Everything but standard output."""
        from wanctl.render.lineage import references_of, texts_of
        from wanctl.render.options import RenderOptions
        from wanctl.render.rendering import rendered

        desired, page = project.desired, self.files.get(PlanFormat.HTML)
        options = RenderOptions(references_of(desired), self._commands(), self.link, texts=texts_of(desired))
        if page:
            from wanctl.project.reviews import gallery_links

            options = replace(options, galleries=gallery_links(project, made, page.parent))
        if self.saved:
            _write(self.saved, rendered(made, PlanFormat.JSON, options))
        self._write_files(made, options)
        return options

    def publish_offline(self, made: "OfflinePlan", project: "Project") -> None:
        """What stands in a plan's place where no account was asked; it is no plan that can be saved."""
        from wanctl.render.lineage import references_of
        from wanctl.render.options import RenderOptions
        from wanctl.render.rendering import rendered
        from wanctl.render.text.console import columns, emit
        from wanctl.render.text.offline import offline_lines

        options = RenderOptions(references_of(project.desired), (), self.link)
        self._write_files(made, options)
        if self.format is PlanFormat.TEXT:
            emit(offline_lines(made, columns=columns()))
        else:
            sys.stdout.write(rendered(made, self.format, options))

    def publish_failure(self, error: Exception) -> None:
        """The error's document wherever a plan was asked for, but as a saved plan: there is none to apply.

        The error itself goes on to standard error, as with every command.
        """
        from wanctl.project.errors import ProjectError
        from wanctl.render.options import RenderOptions
        from wanctl.render.rendering import rendered
        from wanctl.render.text.console import emit, err

        failure = failed_plan(error, self.options)
        if failure is None:
            return
        options = RenderOptions(link=self.link)
        try:
            self._write_files(failure, options)
        except ProjectError as unwritten:
            emit([f"error: {unwritten}"], err())
        if self.format is not PlanFormat.TEXT:
            sys.stdout.write(rendered(failure, self.format, options))

    def _write_files(self, made: "Shown", options: "RenderOptions") -> None:
        from wanctl.render.rendering import rendered

        for format_, path in self.files.items():
            if path:
                _write(path, rendered(made, format_, options))

    def _commands(self) -> tuple[str, ...]:
        """How the plan is applied: as it was saved, or saved first."""
        saved = str(self.saved or "plan.json")
        apply = in_words("wanctl apply", saved, options=self.options)
        if self.saved:
            return (apply,)
        return (in_words("wanctl plan", "--out", saved, options=self.options), apply)


def failed_plan(error: Exception, options: Mapping[str, str], *, begun: bool = False) -> "PlanFailure | None":
    """The document that stands in a plan's place; None for Ctrl-C, which is no failure.

    With the project's name, if that much can be read, and the environment that was asked for.
    """
    from wanctl.base.running import Interrupted
    from wanctl.cli.faults import sentences
    from wanctl.language.load import project_name
    from wanctl.render.made import failure_of

    if isinstance(error, Interrupted):
        return None
    environment = options.get("--env")
    name = project_name(Path(options.get("-C", ".")), environment)
    return replace(failure_of(error, sentences(error), name, environment), begun=begun)


@contextmanager
def failures_told(format_: Format, options: Mapping[str, str]) -> Iterator[None]:
    """Where JSON was asked for, what stops a run before its end is JSON as well.

    A digest that differs has its document already: the plan that was made now. A wrong command line has none.
    """
    from wanctl.project.approved import DigestDiffers
    from wanctl.render.visible import json_text

    try:
        yield
    except (DigestDiffers, typer.Abort, typer.Exit, typer.BadParameter):
        raise
    except Exception as error:
        failure = failed_plan(error, options) if format_ is Format.JSON else None
        if failure:
            sys.stdout.write(json_text(failure.as_json()))
        raise


def in_words(command: str, *words: str, options: Mapping[str, str]) -> str:
    """A command as it is typed again, for the same project."""
    return shlex.join([*command.split(), *words, *chain(*options.items())])


def checked_link(link: str | None) -> str | None:
    """A link that can be one; else an error before anything is read."""
    if link is not None and not link.startswith(("https://", "http://")):
        raise typer.BadParameter("a link begins with https://", param_hint="--link")
    return link


def _write(path: Path, text: str) -> None:
    from wanctl.project.errors import ProjectError

    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")  # half a letter, as JSON may hold
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror}") from error
