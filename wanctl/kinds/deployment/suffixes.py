"""Several deployments of one model: which one has the model's plain name, and what tells the others apart.

The service gives a model's name to one deployment; every other one needs a suffix. Who has it is decided
by what is recorded and what is live; among those that are still to be made the first by name has it.
"""

from wanctl.address import Address
from wanctl.kinds.context import Context
from wanctl.kinds.identity import config_suffix
from wanctl.language.models import Deployment
from wanctl.ledger.record import Entry
from wanctl.studio.objects import LiveDeployment

PLAIN_NAME = "the plain name of a model"  # which one deployment has

Suffixes = tuple[str, ...]


def suffixes_of(address: Address, spec: Deployment, context: Context) -> Suffixes:
    """What the name of its deployment may end with: its suffix, and those under the names that it had."""
    names = (address, *(one.old for one in context.desired.renames.get(address, ())))
    return tuple(config_suffix(context.project, name, spec) for name in names)


def needs_suffix(address: Address, model_name: str | None, suffixes: Suffixes, context: Context) -> bool:
    """The model's plain name is, or will be, another deployment's."""
    if model_name is None:
        return False
    holder = context.plain_names.get(model_name)
    if holder is not None:
        return holder != address
    if not _may_take_it(model_name, suffixes, context.entry(address), context):
        return True
    return context.claimed_first.get((PLAIN_NAME, model_name), address) != address


def _may_take_it(model_name: str, suffixes: Suffixes, entry: Entry, context: Context) -> bool:
    """A new deployment may, unless somebody has the name; a lost one has it already, if it is still there."""
    live = context.snapshot.deployment_by_id.get(model_name)
    if entry.current:
        return live is None and entry.current.inputs.get("model_name") != model_name
    if any(suffix_of(one, suffixes) for one in unclaimed(model_name, entry, context)):
        return False
    return live is None or live.deployed_model not in entry.disowned


def unclaimed(model_name: str, entry: Entry, context: Context) -> list[LiveDeployment]:
    """The live deployments of a model that the ledger gives to nobody."""
    return [
        one
        for one in context.snapshot.deployments_by_model.get(model_name, ())
        if one.deployed_model not in context.claimed and one.deployed_model not in entry.disowned
    ]


def suffix_of(one: LiveDeployment, suffixes: Suffixes) -> str | None:
    """Which of them its name ends with, if any."""
    return next((suffix for suffix in suffixes if one.deployed_model.endswith(f"-{suffix}")), None)
