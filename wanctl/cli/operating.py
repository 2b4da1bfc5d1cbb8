"""crds: what Kubernetes has to know before projects can be kept there as custom resources."""

import sys
from typing import Annotated

import typer

from wanctl.cli.app import app


@app.command()
def crds(
    cel: Annotated[
        bool, typer.Option("--cel", help="With rules that servers from Kubernetes 1.25 on check themselves.")
    ] = False,
) -> None:
    """Print the custom resources of Kubernetes, as YAML. Made from the models that read them."""
    from wanctl.operator.crds import crds_yaml

    sys.stdout.write(crds_yaml(cel=cel))
