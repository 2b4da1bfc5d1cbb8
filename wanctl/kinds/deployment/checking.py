"""The checks of a deployment that runs: each of its videos asked for once, waited for, looked at, judged.

Pure. What has passed is remembered and never checked again, unless a person raises the attempt. A call whose
answer was lost is looked for among the tasks of the deployment before it is made again.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from wanctl.catalogue.estimate import Cost
from wanctl.generation.checks import (
    SeenVideo,
    VideoChecks,
    WantedVideo,
    cost_of_checks,
    expected_seconds,
    faults_of,
    spelled_faults,
)
from wanctl.generation.judge import CheckJudge, cost_of_judging
from wanctl.generation.modes import CalledModel, tuned_model
from wanctl.kinds.context import BILLED_PATIENCE
from wanctl.kinds.deployment.asking import AskForVideo
from wanctl.kinds.deployment.case import FIELDS, DeploymentCase
from wanctl.kinds.deployment.deploying import Deploy, HandBack
from wanctl.kinds.deployment.verdicts import (
    AskForVerdict,
    asked_in_vain,
    caption_of,
    faults_by,
    judged,
    verdict_of,
)
from wanctl.kinds.snapshot import Read
from wanctl.language.rules.checks import called_by, wanted_of
from wanctl.ledger.record import CheckedVideo, CheckRound
from wanctl.plan import Action, Change, Progress, Step, When
from wanctl.studio.objects import LiveDeployment, TaskRow

SKEW = timedelta(minutes=2)  # between this clock and the service's
TASK_LIFE = timedelta(hours=24)


@dataclass(frozen=True)
class Checking:
    """The checks of one deployment that runs, and those that go once they have passed."""

    case: DeploymentCase
    checks: VideoChecks
    live: LiveDeployment
    old: tuple[str, ...]

    @property
    def round(self) -> CheckRound:
        return round_of(self.case, self.checks, self.live.deployed_model)

    @property
    def called(self) -> CalledModel | None:
        """As its base model is, which the service tells, or the specs."""
        name, spec = self.live.deployed_model, self.case.spec
        told = called_by(name, spec, self.case.context.desired.resources)
        base = self.live.base_model or (told.base if told else None)
        uses = None if spec.aigc_config.unknown else bool(spec.aigc_config.use_input_prompt)
        return tuned_model(name, base, None, uses_prompt=uses, made="") if base else None

    @property
    def seconds(self) -> int | None:
        return expected_seconds(self.checks, self.called)

    def faults(self, video: CheckedVideo) -> tuple[str, ...]:
        """What is wrong with it, by its measures or else by what the judge said."""
        judge = self.checks.judge
        return video.faults or (faults_by(judge, video) if judge else ())

    def wanted(self) -> tuple[WantedVideo, ...]:
        return wanted_of(self.case.resource, self.case.spec)

    def learned(self, checks: CheckRound) -> "Checking":
        entry = self.case.known.with_round(self.live.deployed_model, checks)
        return replace(self, case=replace(self.case, known=entry))

    def step(self, when: When, reason: str, **more: Any) -> Step:
        """Of a replacement, as long as the old one is to go."""
        action = Action.REPLACE if self.old else Action.CHECK
        return self.case.step(action, when, reason, self.live, ends=self.old, **more)


def round_of(case: DeploymentCase, checks: VideoChecks, name: str) -> CheckRound:
    """The checks of a deployment so far; another attempt begins anew, and holds back what was held back."""
    known = case.known.checks.get(name)
    if known and known.attempt >= checks.attempt:
        return known
    return CheckRound(attempt=checks.attempt, held=bool(known and known.unproven))


def checked(
    case: DeploymentCase, live: LiveDeployment, old: tuple[str, ...]
) -> tuple[DeploymentCase, Step | None]:
    """The case with what is known of its checks now; and the step, as long as they have not passed."""
    checks = case.spec.checks
    if checks is None:
        return _without_checks(case, live.deployed_model), None
    checking = Checking(case, checks, live, old)
    if checking.round.passed:
        return case, None
    for number, _ in enumerate(checking.round.videos):
        checking, waits = _looked_at(checking, number)
        if waits:
            return checking.case, waits
    return _next(checking)


def _without_checks(case: DeploymentCase, name: str) -> DeploymentCase:
    """Nobody wants it checked any more. What another one did not pass is still true."""
    others = {one: checks for one, checks in case.known.checks.items() if one != name}
    if others == case.known.checks:
        return case
    return replace(case, known=case.known.model_copy(update={"checks": others}))


def _looked_at(checking: Checking, number: int) -> tuple[Checking, Step | None]:
    """One video, as far as it has come; a step where it has to be found before anything else is done."""
    video = checking.round.videos[number]
    if video.task_id is None:
        found, waits = _found(checking, video)
        if found is None:
            return checking, waits
        checking, video = checking.learned(checking.round.with_video(found)), found
    if video.faults is not None or video.task_id is None:
        return checking, None
    seen = checking.case.context.ask(Read.VIDEO, video.task_id)
    if not isinstance(seen, SeenVideo) or not seen.ended:
        return checking, None
    judged = video.model_copy(
        update={
            "faults": faults_of(seen, checking.checks.resolution, checking.seconds),
            "seconds": seen.seconds,
            "width": seen.width,
            "height": seen.height,
        }
    )
    return checking.learned(checking.round.with_video(judged)), None


def _found(checking: Checking, video: CheckedVideo) -> tuple[CheckedVideo | None, Step | None]:
    """The video of a call without an answer, by the one task that it can be. None, with the step, while it is
    open; a video without a task where there is none, which is asked for again."""
    context, name = checking.case.context, checking.live.deployed_model
    now, settle = context.snapshot.observed_at, context.settle_time
    reason = f"the answer to a check of {name} was lost; waiting to see whether its task appears"
    waiting = checking.step(When.SERVICE, reason, progress=Progress("UNKNOWN"), awaited=_awaited(checking))
    if now < video.asked + settle:
        return None, waiting
    if now - video.since > TASK_LIFE - SKEW:
        return None, _in_doubt(checking, "the service does not tell any more whether a task was started")
    rows = context.ask(Read.TASKS, name)
    if not isinstance(rows, tuple):
        return None, waiting
    known = {one.task_id for entry in context.record.entries.values() for one in _videos(entry.checks)}
    known |= {one.task_id for one in _videos(checking.case.known.checks)}
    ours = [row for row in rows if row.task_id not in known and _may_be(row, video)]
    if len(ours) > 1:
        names = ", ".join(sorted(row.task_id for row in ours))
        return None, _in_doubt(checking, f"any of these tasks may be its own: {names}")
    if ours:
        return video.model_copy(update={"task_id": ours[0].task_id}), None
    if now < video.asked + settle * BILLED_PATIENCE:
        return None, waiting
    return video, None


def _videos(rounds: dict[str, CheckRound]) -> list[CheckedVideo]:
    return [one for checks in rounds.values() for one in checks.videos]


def _may_be(row: TaskRow, video: CheckedVideo) -> bool:
    return row.begun is None or row.begun >= (video.since - SKEW).timestamp()


def _awaited(checking: Checking) -> tuple[str, ...]:
    return tuple(one.task_id for one in checking.round.videos if one.task_id and one.faults is None)


def _in_doubt(checking: Checking, why: str) -> Step:
    reason = f"no answer came to a check of {checking.live.deployed_model}, and {why}"
    return checking.step(When.BLOCKED, reason, hints=(_again(checking),))


def _again(checking: Checking) -> str:
    place, attempt = checking.case.resource.at("checks.attempt"), checking.round.attempt + 1
    if not checking.case.resource.places.get("checks.attempt"):
        place = checking.case.resource.at("checks")
    return f"to check it again, which is billed again, write attempt: {attempt} under checks: at {place}"


def _next(checking: Checking) -> tuple[DeploymentCase, Step | None]:
    """What is wrong is said at once; else the next video is asked for, or waited for, or all is well."""
    known = {one.key: one for one in checking.round.videos}
    wanted = checking.wanted()
    videos = {one.key: known[one.key] for one in wanted if one.key in known}
    names = {one.key: one.name for one in wanted}
    faulty = {names[key]: faults for key, one in videos.items() if (faults := checking.faults(one))}
    if faulty:
        return checking.case, _failed(checking, faulty)
    missing = [one for one in wanted if one.key not in videos or videos[one.key].task_id is None]
    if missing:
        return checking.case, _ask(checking, missing, len(wanted))
    done = sum(one.faults is not None for one in videos.values())
    if done < len(wanted):
        return checking.case, _wait(checking, done, len(wanted))
    judge = checking.checks.judge
    unjudged = [one for one in wanted if judge and not judged(videos[one.key], judge)]
    if judge and unjudged:
        return checking.case, _judge(checking, judge, unjudged, videos[unjudged[0].key])
    return checking.learned(checking.round.model_copy(update={"passed": True})).case, None


def _ask(checking: Checking, missing: list[WantedVideo], total: int) -> Step:
    name, called = checking.live.deployed_model, checking.called
    if called is None:
        reason = f"nobody tells from which base model {name} was tuned, so that it cannot be called"
        return checking.step(When.BLOCKED, reason, hints=("leave checks out, or deploy it by finetune:",))
    began = len(missing) < total
    reason = f"{name} runs; {'the rest of its checks' if began else 'its checks'} are to be asked for"
    since = checking.case.context.snapshot.observed_at
    return checking.step(
        When.NOW,
        reason,
        changes=(checks_change(checking.case, checking.checks),),
        cost=_cost(checking, len(missing)),
        effect=AskForVideo(checking.case.address, called, missing[0], checking.round, since),
    )


def _judge(checking: Checking, judge: CheckJudge, unjudged: list[WantedVideo], video: CheckedVideo) -> Step:
    """All videos are right by their measures: the first that nobody judged yet is shown to the judge."""
    name, case, first = checking.live.deployed_model, checking.case, unjudged[0]
    if why := asked_in_vain(video, judge):
        place = case.resource.at("checks.judge")
        again = (
            f"to ask again, which is billed again, write attempt: {judge.attempt + 1} under judge: at {place}"
        )
        hints = (again, f"or name another model there, or leave judge: out; {_again(checking)}")
        return checking.step(When.BLOCKED, f"{name} runs; {first.name} is not judged: {why}", hints=hints)
    if case.context.snapshot.observed_at - video.asked > TASK_LIFE - SKEW:
        why = "the service keeps a video for a day, and nobody judged it within that"
        return checking.step(
            When.BLOCKED, f"{name} runs; {first.name} is not judged: {why}", hints=(_again(checking),)
        )
    picture = case.resource.files[f"checks.images[{first.number}].image"]
    caption = caption_of(case.spec.aigc_config, first)
    effect = AskForVerdict(case.address, name, checking.round, video, first.name, picture, caption, judge)
    verdict = verdict_of(video, judge)
    lost = f"; the answer to an earlier question about {first.name} was lost" if verdict else ""
    return checking.step(
        When.NOW,
        f"{name} runs, and its check videos came out right; {judge.model} is to judge them{lost}",
        changes=(checks_change(case, checking.checks),),
        cost=_cost_of_verdicts(case, judge, unjudged),
        effect=effect,
    )


def _cost_of_verdicts(case: DeploymentCase, judge: CheckJudge, unjudged: list[WantedVideo]) -> Cost:
    tokens = [judge.judge.tokens(caption_of(case.spec.aigc_config, one)) for one in unjudged]
    found = cost_of_judging(judge.model, tokens, case.context.desired.catalogue)
    amount = None if found.amount is None else (found.amount, found.amount)
    return Cost(None, amount, found.currency, found.basis, verdicts=found.verdicts)


def _cost(checking: Checking, videos: int) -> Cost:
    return _spelled_cost(checking.case, checking.checks, checking.called, videos)


def _spelled_cost(case: DeploymentCase, checks: VideoChecks, called: CalledModel | None, videos: int) -> Cost:
    """Of so many videos, and of the verdicts on all of them: one sum, unknown where a part of it is."""
    found = cost_of_checks(videos, checks, called, case.context.desired.catalogue)
    amount = None if found.amount is None else (found.amount, found.amount)
    making = Cost(None, amount, found.currency, found.basis, videos=found.videos)
    if checks.judge is None:
        return making
    judging = _cost_of_verdicts(case, checks.judge, list(wanted_of(case.resource, case.spec)))
    basis = f"{making.basis}; {judging.basis}"
    known = making.amount and judging.amount and making.currency == judging.currency
    total = making.amount[0] + judging.amount[0] if making.amount and judging.amount and known else None
    amount = None if total is None else (total, total)
    return replace(making, amount=amount, basis=basis, verdicts=judging.verdicts)


def _wait(checking: Checking, done: int, total: int) -> Step:
    progress = Progress("CHECKING", done / total, f"checking {done + 1} of {total}")
    reason = f"{checking.live.deployed_model} runs; checking {done + 1} of {total}"
    goes_on = bool(checking.old) and not checking.case.spec.kept_seconds
    return checking.step(When.SERVICE, reason, progress=progress, goes_on=goes_on, awaited=_awaited(checking))


def _failed(checking: Checking, faulty: dict[str, tuple[str, ...]]) -> Step:
    """The new one is not handed over, and the old one serves on."""
    total, name = len(checking.wanted()), checking.live.deployed_model
    serving = f"; {', '.join(checking.old)} serves on" if checking.old else ""
    reason = f"{name} runs, but {spelled_faults(faulty, total)}{serving}"
    tasks = [one.task_id for one in checking.round.videos if checking.faults(one) and one.task_id]
    hints = [f"to see it, within a day: wanctl generate --task {task}" for task in tasks[:1]]
    judge = checking.checks.judge
    if judge and not any(one.faults for one in checking.round.videos):
        hints.append(
            "if it is good enough, write a lower at_least under judge: at "
            f"{checking.case.resource.at('checks.judge')}; to have it judged again, which is billed, "
            f"attempt: {judge.attempt + 1} there"
        )
    hints.append(_again(checking))
    place, attempt = checking.case.resource.at("attempt"), checking.case.spec.attempt + 1
    hints.append(f"to deploy it again: attempt: {attempt} at {place}; or change what it serves")
    return checking.step(When.BLOCKED, reason, hints=tuple(hints))


# Before it runs: what the plan says of checks that are to come


def with_coming_checks(case: DeploymentCase, step: Step) -> Step:
    """A step that ends with a new version says that it is checked, and what that costs."""
    checks = case.spec.checks
    if checks is None or not _brings_unchecked(case, checks, step):
        return step
    called = called_by(case.address.name, case.spec, case.context.desired.resources)
    cost = _spelled_cost(case, checks, called, len(wanted_of(case.resource, case.spec)))
    return replace(step, changes=(*step.changes, checks_change(case, checks)), cost=cost)


def _brings_unchecked(case: DeploymentCase, checks: VideoChecks, step: Step) -> bool:
    if step.action not in {Action.DEPLOY, Action.REPLACE} or step.cost is not None:
        return False
    if step.when not in {When.NOW, When.LATER, When.SERVICE}:
        return False
    if isinstance(step.effect, HandBack):
        return not round_of(case, checks, step.effect.remote_id).passed
    if isinstance(step.effect, Deploy) or step.changes or step.when is When.LATER:
        return True
    current = case.known.current
    if current is None or step.remote_id != current.remote_id:
        return step.remote_id is None
    live = case.standing(current)
    return not round_of(case, checks, current.remote_id).passed and not (live and live.running)


def checks_change(case: DeploymentCase, checks: VideoChecks) -> Change:
    """What is asked for, for the eyes of whoever approves it."""
    again = [f"attempt {checks.attempt}"] if checks.attempt > 1 else []
    said = [one.written for one in wanted_of(case.resource, case.spec)]
    judged_by = [checks.judge.written] if checks.judge else []
    return FIELDS.change("checks", None, [*again, *said, *judged_by])
