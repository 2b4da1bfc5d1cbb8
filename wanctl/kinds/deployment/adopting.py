"""A deployment that a person says is theirs: what is compared of it, and what has to be trusted."""

from collections.abc import Mapping
from typing import Any

from wanctl.kinds.deployment.deploying import config_identity
from wanctl.kinds.deployment.echoed_config import differences, echoed_config
from wanctl.kinds.deployment.serving import upstream_of
from wanctl.kinds.kind import Adopting, AdoptionRefused
from wanctl.language.models import Deployment
from wanctl.language.resources import Resource
from wanctl.ledger.record import Generation
from wanctl.studio.objects import LiveDeployment


async def adopt_deployment(adopting: Adopting, spec: Deployment) -> tuple[Generation, str]:
    """Check that it serves the model of the spec; the sentence says what was compared."""
    resource, deployed_model = adopting.resource, adopting.remote_id
    live = await adopting.studio.deployments.get(deployed_model)
    upstream = upstream_of(spec)
    model_name = adopting.context.model(upstream).model_name if upstream else spec.model_name
    if model_name is None:
        raise AdoptionRefused(f"the model that {resource.address} is to serve is not there yet")
    if live.model_name and live.model_name != model_name:
        raise AdoptionRefused(
            f"{deployed_model} serves {live.model_name}, and {resource.address} wants {model_name}"
        )
    told, written = echoed_config(live), None if spec.aigc_config.unknown else spec.aigc_config.sent()
    differs = told is not None and (written is None or differences(told, written))
    sent = {
        "model_name": model_name,
        "capacity": spec.capacity if live.capacity is None else live.capacity,
        "aigc_config": told if told is not None and differs else written,
        "suffix": _suffix_of(live),
        "attempt": spec.attempt,
    }
    sentence = _said_of_config(resource, deployed_model, told, written)
    return adopting.generation(config_identity(sent), sent, live.gmt_create), sentence


def _said_of_config(
    resource: Resource, deployed_model: str, told: Mapping[str, Any] | None, written: Mapping[str, Any] | None
) -> str:
    """What was compared, and what a person has to answer for."""
    name, bound = deployed_model, f"{deployed_model} stands for {resource.address} from now on"
    if told is None and written is None:
        return f"{bound}; its aigc_config stays unknown"
    if told is None or written is None:
        unseen = f"{name} is trusted to have the aigc_config of {resource.address}, unseen"
        return unseen if told is None else f"{bound}, with the aigc_config that it tells"
    if other := differences(told, written):
        return (
            f"{bound}, and serves with another aigc_config: {'; '.join(other)}. "
            "The next plan replaces it, unless the spec is made to say what serves"
        )
    return f"{bound}, and tells the very aigc_config of the spec"


def _suffix_of(live: LiveDeployment) -> str | None:
    """What its name has beyond its model's, if that is how it is made up."""
    plain = f"{live.model_name}-"
    return live.deployed_model.removeprefix(plain) if live.deployed_model.startswith(plain) else None
