"""One look at many projects, as they stand in their folders: planned, and nothing changed."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from wanctl.base.running import first_of
from wanctl.fleet.fleet_file import FleetScope, MemberName, members_of
from wanctl.fleet.gathering import Gathering
from wanctl.fleet.keeping import AT_ONCE, PATIENCE, Spell
from wanctl.fleet.overview import Overview, ProjectView
from wanctl.ledger.record import Record
from wanctl.project import Project
from wanctl.project.accounts import Accounts
from wanctl.project.host import Host
from wanctl.project.promotion import load_specs


def named(fleet: FleetScope) -> tuple[MemberName, ...]:
    """The projects of the working trees."""
    return tuple(name for one in fleet.repositories for name in members_of(one, one.path))


async def look(
    names: Iterable[MemberName], host: Host, tell: Callable[[str], None], spell: Spell
) -> Overview:
    """All of them side by side; each account's lists are read once."""
    names = tuple(names)
    accounts, slots = Accounts(), asyncio.Semaphore(AT_ONCE)
    gathering = Gathering(len(names), PATIENCE)

    def begun(name: MemberName) -> tuple[Project, Record]:
        desired = load_specs(Path(name.home), name.environment or None)
        project = Project(desired, host, tell=lambda text: tell(f"{name}: {text}"), connect=accounts.connect)
        project.local  # noqa: B018 - read here, in a thread
        return project, project.record()

    async def view(name: MemberName) -> ProjectView:
        here = False
        try:
            project, record = await asyncio.to_thread(begun, name)
            here, since = True, await gathering.arrive()
            async with slots:
                return ProjectView(name, await project.planning(record, since))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this project's; the others are shown
            if not here:
                gathering.leave()
            return ProjectView(name, errors=tuple(spell(first_of(error))))

    try:
        return Overview.of(await asyncio.gather(*map(view, names)))
    finally:
        await accounts.close()
