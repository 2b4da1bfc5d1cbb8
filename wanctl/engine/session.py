"""How a run looks at the world: at the whole account, or only at what is in flight. It changes nothing."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from wanctl.address import Address
from wanctl.engine.clock import Clock
from wanctl.engine.journal import Journal
from wanctl.engine.observe import answer, observe
from wanctl.engine.planner import Draft, make_plan
from wanctl.engine.polling import PollingPace
from wanctl.kinds.context import LocalData
from wanctl.kinds.registry import kind_of
from wanctl.kinds.snapshot import Snapshot
from wanctl.language.resources import Desired
from wanctl.ledger.record import Record
from wanctl.plan import When
from wanctl.studio.client import Studio

ROUNDS_OF_QUESTIONS = 6  # each kind asks at most twice; more is a fault of ours, not of the world

Planner = Callable[[Desired, Snapshot, Record, Mapping[Address, LocalData]], Draft]


@dataclass
class RunSession:
    """What one run works with, and what it saw last."""

    desired: Desired
    local: Mapping[Address, LocalData]
    studio: Studio
    clock: Clock
    journal: Journal
    polling: PollingPace
    archive: Callable[[Address, str], AbstractAsyncContextManager[Path]]
    planner: Planner = make_plan
    snapshot: Snapshot | None = None

    async def survey(self) -> Draft:
        """Read the whole account and plan from it."""
        return await self.settle(await observe(self.studio, self.clock.now, self.journal.record))

    async def look_again(self, draft: Draft, due: Collection[Address]) -> Draft:
        """Read only what is in flight and due, and plan from that."""
        if self.snapshot is None:
            return await self.survey()
        waited = [step for step in draft.plan.steps if step.when is When.SERVICE and step.address in due]
        questions = {question for step in waited for question in kind_of(step.address).watched(step)}
        if any(step.remote_id is None or kind_of(step.address).may_have_twin(step) for step in waited):
            return await self.survey()  # only the lists can tell what a lost answer, or another run, left
        fresh = await answer(self.studio, questions)
        merged = self.snapshot.merged(fresh)
        return await self.settle(replace(merged, observed_at=self.clock.now()))

    async def settle(self, snapshot: Snapshot) -> Draft:
        """Plan, answer what planning asks, and plan again until it asks nothing more."""
        for _ in range(ROUNDS_OF_QUESTIONS):
            draft = self.planner(self.desired, snapshot, self.journal.record, self.local)
            if not draft.questions:
                self.snapshot = snapshot
                return draft
            snapshot = snapshot.with_answers(await answer(self.studio, draft.questions))
        raise RuntimeError(f"planning keeps asking: {sorted(draft.questions)}")
