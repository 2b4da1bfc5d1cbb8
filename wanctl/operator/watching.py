"""The one place that listens to the cluster: objects go into the inventory, and mark their projects.

Nothing is decided here, and nothing is written: another library for watching would replace this file alone.
"""

import asyncio

from wanctl.kubernetes.client import FoundObjects, KubernetesClient
from wanctl.kubernetes.watching import Changed, WatchedObjects, follow
from wanctl.operator.custom_resources import ACCOUNT
from wanctl.operator.inventory import watched_kinds
from wanctl.operator.keeping import Operator
from wanctl.operator.reporting import custom_type


async def listen(operator: Operator, client: KubernetesClient, namespace: str | None, home: str) -> None:
    """All kinds, in one namespace or in all, and the accounts in the operator's. Ends by being canceled; what
    the cluster refuses is raised."""
    async with asyncio.TaskGroup() as group:
        for kind in watched_kinds():
            group.create_task(_listen(operator, client, kind, home if kind == ACCOUNT else namespace))


async def _listen(operator: Operator, client: KubernetesClient, kind: str, namespace: str | None) -> None:
    inventory = operator.inventory
    async for news in follow(client, WatchedObjects(custom_type(kind), namespace)):
        if isinstance(news, FoundObjects):
            operator.mark(inventory.take_all(kind, news.items))
        elif news.what is Changed.DELETED:
            operator.mark(inventory.drop(news.item))
        else:
            operator.mark(inventory.take(news.item))
