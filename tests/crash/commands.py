"""What a person runs: each command gives the plan that is left, and what failed. It may be run again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wanctl.address import Address
from wanctl.engine.converge import Outcome, Patience
from wanctl.plan import Plan
from wanctl.project import Project
from wanctl.project.adoption import DEFAULT_FILE, bind, carry_out_import, draft_import
from wanctl.project.events import Silent
from wanctl.project.pruning import Choice
from wanctl.project.pruning import prune as prune_orphans
from wanctl.project.trying import TrialRequest, begin_trial

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    plan: Plan
    failures: tuple[str, ...] = ()


Command = Callable[[Path, Tell], Ended]


def apply(folder: Path, tell: Tell) -> Ended:
    """`wanctl apply --yes --wait`"""
    return _ended(_project(folder, tell).apply(lambda *_: True, Patience(waits=True)))


def apply_and_go(folder: Path, tell: Tell) -> Ended:
    """`wanctl apply --yes`, as CI runs it: it starts what may start."""
    return _ended(_project(folder, tell).apply(lambda *_: True, Patience()))


def destroy(*names: str) -> Command:
    """`wanctl destroy --yes --wait NAME…`"""

    def work(folder: Path, tell: Tell) -> Ended:
        to_delete = [Address.parse(name) for name in names]
        return _ended(
            _project(folder, tell).apply(lambda *_: True, Patience(waits=True), to_delete=to_delete)
        )

    return work


def prune(folder: Path, tell: Tell) -> Ended:
    """`wanctl prune --yes --wait ID…`, of all that `wanctl plan` calls an orphan; then `wanctl plan`."""
    orphans = tuple(one.remote_id for one in _project(folder, tell).plan().orphans)
    failures: tuple[str, ...] = ()
    if orphans:
        waiting = Patience(waits=True)
        outcome = prune_orphans(_project(folder, tell), Choice(orphans), lambda *_: True, waiting, Silent())
        failures = _ended(outcome).failures
    return Ended(_project(folder, tell).plan(), failures)


def adopt(find: Callable[[Path], Mapping[str, str]]) -> Command:
    """`wanctl adopt KIND/NAME ID` for each, then `wanctl plan`."""

    def work(folder: Path, tell: Tell) -> Ended:
        for address, remote_id in find(folder).items():
            bind(_project(folder, tell), Address.parse(address), remote_id, None)
        return Ended(_project(folder, tell).plan())

    return work


def try_checkpoint(folder: Path, tell: Tell) -> Ended:
    """`wanctl try Checkpoint/best checkpoint-30 --for 4h --yes`"""
    asked = TrialRequest("best", "checkpoint-30", timedelta(hours=4))
    waiting = Patience(waits=True)
    found = begin_trial(_project(folder, tell), asked, lambda *_: True, waiting, Silent())
    return _ended(found.result)


def import_all(folder: Path, tell: Tell) -> Ended:
    """`wanctl import --yes`, then `wanctl plan`; or, where its file is there already, `wanctl apply`."""
    if (folder / "specs" / DEFAULT_FILE).exists():
        return apply(folder, tell)
    project = _project(folder, tell)
    carry_out_import(project, draft_import(project, (), None), adopts=True)
    return Ended(_project(folder, tell).plan())


def _project(folder: Path, tell: Tell) -> Project:
    return Project.open(folder / "specs", tell=tell)


def _ended(outcome: Outcome | None) -> Ended:
    assert outcome is not None
    return Ended(outcome.plan, tuple(f"{one.step.address}: {one.error}" for one in outcome.failures))
