"""kubectl wanctl: a plugin of kubectl, which finds the program kubectl-wanctl in the PATH.

Small on purpose: it patches custom resources as a person could by hand, with that person's rights.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from wanctl.kubernetes.client import KubernetesClient

_Result = TypeVar("_Result")
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Of the project (default: that of the context)."),
]
Context = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="A context of the kubeconfig.")
]

plugin = typer.Typer(
    name="kubectl wanctl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Projects of wanctl in a cluster: where they stand, choices, approvals.",
)


@plugin.command()
def plan(
    project: Annotated[
        str | None, typer.Argument(metavar="PROJECT", help="A WanProject; left out, all of the namespace.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Show where a project stands, what is next for each document, and what waits for approval."""
    from wanctl.operator.by_hand import look, view_lines
    from wanctl.render.text.console import emit

    views = _asked(context, namespace, lambda client, where: look(client, where, project))
    emit([line for view in views for line in view_lines(view)] or ["No projects here."])


@plugin.command()
def choose(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The Checkpoint.")],
    checkpoint: Annotated[str, typer.Argument(metavar="CHECKPOINT", help="As in checkpoint-160.")],
    of: Annotated[
        str | None,
        typer.Option("--of", metavar="DIGITS", help="The training that it was chosen for, as plans show it."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Choose a checkpoint: one patch of its custom resource."""
    from wanctl.operator.by_hand import choose as chosen
    from wanctl.render.text.console import emit

    emit([_asked(context, namespace, lambda client, where: chosen(client, where, name, checkpoint, of))])


@plugin.command()
def approve(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The WanProject.")],
    digests: Annotated[
        list[str], typer.Argument(metavar="DIGEST…", help="Of steps or of the plan, as `plan` shows them.")
    ],
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Approve what a project waits for: one patch of its approvals."""
    from wanctl.operator.by_hand import approve as approved
    from wanctl.render.text.console import emit

    emit(_asked(context, namespace, lambda client, where: approved(client, where, project, tuple(digests))))


def _asked(
    context: str | None,
    namespace: str | None,
    work: Callable[["KubernetesClient", str], Awaitable[_Result]],
) -> _Result:
    """The cluster of the context, asked as the person that it names."""
    from wanctl.base.running import run
    from wanctl.kubernetes.access import find_cluster
    from wanctl.kubernetes.client import KubernetesClient

    access = find_cluster(os.environ, Path(os.environ.get("HOME") or os.devnull), context)

    async def asking() -> _Result:
        async with KubernetesClient(access, manager="kubectl-wanctl") as client:
            return await work(client, namespace or access.namespace)

    return run(asking())


def main() -> None:
    """The program kubectl-wanctl."""
    from wanctl.cli.faults import reported

    with reported(debug="--debug" in sys.argv[1:]):
        try:
            plugin(prog_name="kubectl wanctl")
        finally:
            sys.stdout.flush()
