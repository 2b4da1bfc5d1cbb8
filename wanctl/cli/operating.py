"""crds, operator: projects as custom resources of Kubernetes, and the loop that keeps them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.options import SpecsOptions, grouped, tell


@app.command()
@grouped
def crds(
    place: SpecsOptions,
    cel: Annotated[
        bool, typer.Option("--cel", help="With rules that servers from Kubernetes 1.25 on check themselves.")
    ] = False,
    convert: Annotated[
        bool, typer.Option("--convert", help="Instead, the specs that are here as objects of these kinds.")
    ] = False,
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="NAME", help="Of those objects.")
    ] = None,
) -> None:
    """Print the custom resources of Kubernetes, as YAML. Made from the models that read them.

    With --convert a data set that is a folder keeps its path: write where the operator finds it.
    """
    from wanctl.operator.converting import objects_yaml
    from wanctl.operator.crds import crds_yaml

    if convert:
        sys.stdout.write(objects_yaml(place.folder or Path.cwd(), place.environment, namespace))
    else:
        sys.stdout.write(crds_yaml(cel=cel))


@app.command()
def operator(
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", metavar="NAME", help="Of accounts and ledgers (default: the Pod's own)."),
    ] = None,
    watched: Annotated[
        str | None,
        typer.Option("--projects-in", metavar="NAME", help="The one namespace to keep (default: all)."),
    ] = None,
    interval: Annotated[
        str, typer.Option("--interval", metavar="SPAN", help="Between two looks at the account.")
    ] = "5m",
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Where caches are kept, and the data of projects.")
    ] = Path(".wanctl/operator"),
    volumes: Annotated[
        Path,
        typer.Option("--volumes", metavar="DIR", help="Where claims are mounted, as NAMESPACE/CLAIM."),
    ] = Path("/volumes"),
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            metavar="PLACE",
            help="Where ledgers are, with {namespace} and {project} (default: Secrets beside the accounts).",
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Probes and metrics; off for none.")
    ] = "127.0.0.1:8788",
    once: Annotated[bool, typer.Option("--once", help="A turn of each project, and no more.")] = False,
) -> None:
    """Keep the projects that stand in a cluster of Kubernetes as custom resources.

    The cluster is that of KUBECONFIG, or of the Pod that this runs in.
    """
    from wanctl.cli import runs_on

    runs_on()
    from wanctl.cli.watching import address_of, interval_of
    from wanctl.operator.running import OperatorOptions, operate, summary
    from wanctl.project.host import Host

    options = OperatorOptions(
        namespace, watched, state.resolve(), volumes, ledger, interval_of(interval), address_of(listen), once
    )
    inventory = operate(options, Host.here(), tell)
    if once:
        tell(summary(inventory))
