"""A scene is played once undisturbed, and then again and again with a disaster at one of its moments.

Each point starts from the same account, is hit once, and then the same command is run until nothing moves.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash import commands
from tests.crash.disasters import ROBBED, Kind, Moment, Point
from tests.crash.forks import Report, adopt, run
from tests.crash.places import LedgerPlace
from tests.crash.project import begin, pass_time, write
from tests.crash.reference_model import AccountState, account_state
from tests.crash.scenes import SCENES, Scene

RUNS = 5  # of the command, after the disaster, until nothing moves
HEALED, ASKED, WRONG = VERDICTS = ("healed alone", "asked", "wrong")
_FAULTS_OF_OURS = ("AssertionError", "RuntimeError", "KeyError", "TypeError", "AttributeError", "ValueError")
_NOTICED = ("LeaseLost", "LedgerMovedError")


@dataclass(frozen=True)
class Result:
    """What one point came to."""

    scene: str
    point: Point
    verdict: str
    notes: tuple[str, ...] = ()
    runs: int = 0

    def __str__(self) -> str:
        return f"{self.verdict}: {self.scene} · {self.point}: {'; '.join(self.notes)}"


@dataclass(frozen=True)
class Stage:
    """A scene about to begin: the folder to copy, and what its undisturbed run is made of and leaves."""

    scene: Scene
    folder: Path
    moments: list[Moment]
    before: AccountState
    undisturbed: AccountState
    hints: tuple[tuple[str, str], ...]  # what may be adopted afterwards in any case


def stages(names: Sequence[str], room: Path, place: LedgerPlace, *, marks: bool) -> Iterator[Stage]:
    """Play scenes undisturbed, and keep everything as it stood before each."""
    first = room / "begin"
    place.begin(first)
    begin(first, marks=marks, ledger=place.location)
    place.put_away(first)
    played: dict[str, Stage] = {}

    def stage(name: str) -> Stage:
        if name not in played:
            scene = SCENES[name]
            start = _end_of(stage(scene.after).folder) if scene.after else first
            played[name] = _undisturbed(scene, start, room / name, place)
        return played[name]

    for name in names:
        yield stage(name)


def _end_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-end")


def _undisturbed(scene: Scene, start: Path, folder: Path, place: LedgerPlace) -> Stage:
    shutil.copytree(start, folder)
    place.bring_back(folder)
    write(folder / "specs", scene.specs)
    scene.others(folder)
    place.put_away(folder)
    before = account_state(folder, place)
    end = _end_of(folder)
    shutil.copytree(folder, end)
    report = first = run(end, scene.command)
    for _ in range(scene.runs - 1):
        report = run(end, scene.command)
    if scene.applied:
        report = run(end, commands.apply)
    after = account_state(end, place)
    place.put_away(end)
    problems = [*after.wrong(before, after), *after.unrecorded()]
    if not report.over(scene.ends) or after.counts() != scene.left or problems:
        left = f"{after.counts()}, {problems}"
        raise AssertionError(f"{scene} failed undisturbed: {report} left {left}")
    return Stage(scene, folder, list(first.moments), before, after, report.candidates)


def play(stage: Stage, point: Point, folder: Path, place: LedgerPlace) -> Result:
    """Hit the run at this point, then run the command until nothing moves, and look at what there is."""
    scene = stage.scene
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stage.folder, folder)
    place.bring_back(folder)
    hit = run(folder, scene.command, point)
    problems = _misbehaved(hit, point, account_state(folder, place))
    asked: list[str] = []
    runs, last, seen = 0, Report(), stage.before
    while runs < RUNS:
        now = account_state(folder, place)
        if now.forgot(seen):
            problems.append("the ledger forgot a part of its history")
        seen = now
        pass_time(folder, seconds=12)  # as it does until CI runs it again
        last = run(folder, scene.command)
        runs += 1
        applies = any(moment.kind is Kind.WRITE for moment in last.moments)
        if hit.killed and runs == 1 and applies and _held(stage.moments, point) != _took_over(last):
            problems.append(f"the lease of the dead run: {last.told}")
        if last.killed or last.error:
            break
        unknown = _other_objects(account_state(folder, place), stage.undisturbed)
        doubtful = [one for one in last.candidates if one not in stage.hints or one[0] in unknown]
        if doubtful and now.ever <= stage.undisturbed.ever:
            asked += [f"{address}: {reason}" for address, reason in last.questions] or ["to adopt"]
            adopt(folder, *doubtful[0])
        elif last.over(scene.ends):
            break
    if last.over(scene.ends) and scene.applied:
        pass_time(folder, minutes=1)
        last = run(folder, commands.apply)  # whatever comes next finds nothing to do
    left = account_state(folder, place)
    if left.forgot(seen):
        problems.append("the ledger forgot a part of its history")
    problems += left.wrong(stage.before, stage.undisturbed)
    if not last.over(scene.ends):
        problems.append(f"the last run: {last}")
    verdict = WRONG if problems else ASKED if asked else HEALED
    return Result(scene.name, point, verdict, (*problems, *asked), runs)


def _other_objects(now: AccountState, meant: AccountState) -> set[str]:
    """Where the ledger gives a resource another object than undisturbed, or none: what was only recognised is
    for a person to adopt."""
    addresses = now.entries.keys() | meant.entries.keys()
    known = [
        {one: state.entries.get(one, "").partition(",")[0] for one in addresses} for state in (now, meant)
    ]
    return {one for one in addresses if known[0][one] != known[1][one]}


def _sends(point: Point) -> bool:
    """The process was killed over a call that changes something: whatever came of it, nobody heard."""
    return point.moment.kind is Kind.CALL and point.moment.changes_something


def _held(moments: list[Moment], point: Point) -> bool:
    """Whether the process that was killed there held the lease."""
    passed = moments.index(point.moment) + (point.disaster.name == "killed once written")
    met = [moment.what for moment in moments[:passed] if moment.kind is Kind.WRITE]
    return met.count("lease") > met.count("lease given back")


def _took_over(report: Report) -> bool:
    return any("took over the lease" in line and "died" in line for line in report.told)


def _misbehaved(hit: Report, point: Point, left: AccountState) -> list[str]:
    """What the disturbed run itself should not have done."""
    if point.kills and not hit.killed:
        return ["the run was to be killed, and was not", str(hit)]
    if hit.killed and _sends(point) and not left.intents:
        return ["a call was made that no open intent tells of"]
    if hit.error.startswith(_FAULTS_OF_OURS):
        return [hit.error, *hit.told]
    if point.disaster not in ROBBED:
        return []
    met = [
        number
        for number, moment in enumerate(hit.moments)
        if (moment.kind, moment.number) == (point.moment.kind, point.moment.number)
    ]
    calls = [one.what for one in hit.moments[met[0] :] if one.kind is Kind.CALL and one.changes_something]
    said = [] if hit.error.startswith(_NOTICED) else [f"the lease was lost, and nobody noticed: {hit}"]
    return [*said, f"without its lease it called {', '.join(calls)}"] if calls else said
