"""destroy: whether what a person names can be deleted by its name, and the planner that does only that."""

from collections.abc import Collection
from functools import partial

from wanctl.address import Address
from wanctl.engine.planner import Planner
from wanctl.engine.removal import make_destruction
from wanctl.kinds.moving import moves_of
from wanctl.kinds.registry import kind_of
from wanctl.kinds.together import is_made_elsewhere
from wanctl.language.resources import Desired, near_miss
from wanctl.ledger.record import Record
from wanctl.project.errors import ProjectError
from wanctl.project.promotion import made_elsewhere


def destruction(desired: Desired, record: Record, to_delete: Collection[Address]) -> Planner:
    """The planner of `destroy`; what nobody knows, or somebody else makes, is an error."""
    known = {Address.parse(text) for text in record.entries}
    moving = moves_of(desired, record).pending
    for address in to_delete:
        if is_made_elsewhere(address, desired):
            raise made_elsewhere(address, desired, f"destroy {address}")
        if address in moving:
            raise ProjectError(f"{address} is {moving[address]} until wanctl apply has moved its record")
        if address not in desired.resources and address not in known:
            near = near_miss(address, [*desired.resources, *known])
            raise ProjectError(f"neither the specs nor the ledger know {address}{near}")
        if address not in desired.resources and not kind_of(address).goes_with_its_document:
            raise ProjectError(f"{address} left the specs", "bring it back with state: absent to delete it")
    return partial(make_destruction, named=to_delete)
