"""One command in a process of its own: forked from this one, which has everything imported already.

What a run comes to is told through a pipe; a run that was killed tells nothing.
"""

import gc
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from pydantic import TypeAdapter

import wanctl
from tests.crash.commands import Command, Ended
from tests.crash.disasters import Hooks, Moment, Point
from tests.crash.project import account
from wanctl.address import Address
from wanctl.plan import Plan, Status, When
from wanctl.project import Project
from wanctl.project.adoption import bind
from wanctl.render.text.plan import plan_lines


@dataclass(frozen=True)
class Report:
    """How a run ended; `killed` says nothing else."""

    killed: bool = False
    status: str = ""
    empty: bool = False  # the plan says that there are no changes
    may_move: bool = False  # there is something to do that needs nobody
    failures: tuple[str, ...] = ()
    questions: tuple[tuple[str, str], ...] = ()  # address and reason of what a person has to decide
    candidates: tuple[tuple[str, str], ...] = ()  # address and remote id of what they may choose
    told: tuple[str, ...] = ()
    moments: tuple[Moment, ...] = field(default=(), repr=False)
    error: str = ""

    def over(self, ends: Status) -> bool:
        """It came to this end, and there is nothing left to do that needs nobody."""
        if self.status != ends or self.failures or self.may_move:
            return False
        return self.empty or ends is not Status.CONVERGED


def preload() -> None:
    """Everything is imported once, here, and not in each child."""
    for module in pkgutil.walk_packages(wanctl.__path__, "wanctl."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()  # a child that collects garbage would copy all of it


def run(folder: Path, command: Command, point: Point | None = None) -> Report:
    """A command in a child, to which something may happen."""
    hooks = Hooks(folder, point)

    def work() -> Report:
        sandbox = account(folder)
        hooks.arrange(sandbox)
        sandbox.close()
        hooks.install()
        return _told(command(folder, told.append))

    told: list[str] = []
    return _in_child(
        work, lambda report: replace(report, told=(*report.told, *told), moments=tuple(hooks.moments))
    )


def adopt(folder: Path, address: str, remote_id: str) -> None:
    """What a person does who was asked."""

    def work() -> Report:
        bind(Project.open(folder / "specs"), Address.parse(address), remote_id, None)
        return Report()

    _in_child(work)


def _told(ended: Ended) -> Report:
    plan = ended.plan
    asked = [step for step in plan.steps if step.when in {When.BLOCKED, When.PERSON}]
    return Report(
        status=plan.status.value,
        empty=any(line.startswith("No changes") for line in _shown(plan)),
        may_move=any(step.when is When.NOW for step in plan.steps),
        failures=ended.failures,
        questions=tuple((str(step.address), step.reason) for step in asked),
        candidates=tuple(_candidates(plan)),
    )


def _shown(plan: Plan) -> list[str]:
    return [str(line) for line in plan_lines(plan)]


def _candidates(plan: Plan) -> list[tuple[str, str]]:
    """As the hints name them."""
    hints = [hint for step in plan.steps for hint in step.hints]
    hints += [finding.hint for finding in plan.findings if finding.hint]
    words = [hint.split() for hint in hints if "wanctl adopt" in hint]
    return [(line[line.index("adopt") + 1], line[line.index("adopt") + 2]) for line in words]


def _in_child(
    work: Callable[[], Report], finish: Callable[[Report], Report] = lambda report: report
) -> Report:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            _tell(writing, finish(work()))
            code = 0
        except BaseException as error:  # noqa: BLE001 - a child never comes back
            details = "".join(traceback.format_exception(error)[-3:])
            _tell(writing, finish(Report(error=f"{type(error).__name__}: {error}", told=(details,))))
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        text = stream.read()
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended) or not text:
        return Report(killed=True)
    return _REPORTS.validate_json(text)


def _tell(handle: int, report: Report) -> None:
    with os.fdopen(handle, "wb") as stream:
        stream.write(_REPORTS.dump_json(report))


_REPORTS = TypeAdapter(Report)

if sys.platform == "win32":
    raise ImportError("forks are what this is made of")
