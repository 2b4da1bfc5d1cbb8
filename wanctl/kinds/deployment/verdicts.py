"""The verdict of a vision model on a video of the checks: what it says of it, and the call that asks for it.

An answer is paid, and is asked for once: it stands in the ledger, with its scores and reasons, as soon as it
came. A low score, and an answer that is no verdict, are faults of the video. Where no answer came there is no
verdict; it is asked for again by the next run, a few times, and no video is made again for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wanctl.address import Address
from wanctl.base.words import counted
from wanctl.generation.checks import WantedVideo
from wanctl.generation.judge import HIGHEST_SCORE, CheckJudge, Score, UnusableAnswer
from wanctl.kinds.acting import CallResult, RefusedForNow, Tools
from wanctl.language.models import AigcConfig
from wanctl.ledger.record import CheckedVideo, CheckRound, CheckVerdict, Entry, Intent, Verb
from wanctl.studio.errors import LostAnswer, StudioError, Throttled, Withheld

MOST_UNANSWERED = 3  # questions about one video; then a person decides
_LONGEST_SHOWN = 160  # characters of a reason that a plan shows


def verdict_of(video: CheckedVideo, judge: CheckJudge) -> CheckVerdict | None:
    """What is known of this very judge; another one's verdict is none."""
    verdict = video.verdict
    return verdict if verdict is not None and verdict.judge == judge.digest else None


def judged(video: CheckedVideo, judge: CheckJudge) -> bool:
    verdict = verdict_of(video, judge)
    return verdict is not None and verdict.heard


def faults_by(judge: CheckJudge, video: CheckedVideo) -> tuple[str, ...]:
    """What the judge found; empty where it found the video good, and where nothing was heard of it yet."""
    verdict = verdict_of(video, judge)
    if verdict is None or not verdict.heard:
        return ()
    if verdict.problem is not None:
        return (f"what {verdict.model} answered is no verdict: {verdict.problem}",)
    low = [
        _spelled(verdict, name)
        for name in judge.rubric.criteria
        if verdict.scores.get(name, -1) < judge.at_least
    ]
    needed = f"{judge.at_least} {'is' if judge.at_least == 1 else 'are'} needed"
    return (f"by {verdict.model} it has {', '.join(low)}, where {needed}",) if low else ()


def _spelled(verdict: CheckVerdict, name: str) -> str:
    """A score, and the reason as it was given: words of a stranger, which decide nothing."""
    score, reason = verdict.scores.get(name), verdict.reasons.get(name, "")
    if score is None:
        return f"no score for {name}"
    shown = f"{reason[:_LONGEST_SHOWN]}…" if len(reason) > _LONGEST_SHOWN else reason
    return f"{score} of {HIGHEST_SCORE} for {name}" + (f' ("{shown}")' if reason else "")


def caption_of(config: AigcConfig, wanted: WantedVideo) -> str:
    """What the video was made by, as far as the specs tell: the caller's prompt, or what is taken for it."""
    given = wanted.request.prompt or ""
    if config.unknown or config.use_input_prompt:
        return given
    return config.lora_prompt_default or config.prompt or given


@dataclass(frozen=True)
class AskForVerdict:
    """Ask for the verdict on one video."""

    address: Address
    remote_id: str
    round: CheckRound
    video: CheckedVideo
    name: str  # its first frame, as the document writes it
    picture: Path
    caption: str
    judge: CheckJudge
    verb: Verb = Verb.JUDGE

    @property
    def identity(self) -> str:
        return f"{self.remote_id} {self.round.attempt} {self.video.key} {self.judge.digest[:16]}"

    def inputs(self) -> dict[str, Any]:
        return {
            "deployed_model": self.remote_id,
            "attempt": self.round.attempt,
            "video": self.video.key,
            "task": self.video.task_id,
            "model": self.judge.model,
            "judge": self.judge.digest,
        }

    async def perform(self, tools: Tools) -> CallResult:
        """One question. What was heard is kept, whatever it says; what was not, too: it may be billed."""
        task = self.video.task_id or ""
        try:
            answer = await tools.scored(self.judge.judge, task, self.picture, self.caption)
        except UnusableAnswer as error:
            verdict = self._verdict(tools, problem=str(error))
            note = f"no verdict: {error}"
            return CallResult(self._entry(tools, verdict), task, note=note, said=f"{self.name}, {note}")
        except LostAnswer as error:
            silent = _once_more_unanswered(verdict_of(self.video, self.judge), self._verdict(tools))
            raise RefusedForNow(self._not_yet(error), self._entry(tools, silent)) from error
        except (Throttled, Withheld):
            raise
        except StudioError as error:
            raise self._not_yet(error) from error
        verdict = self._verdict(tools, answer.value)
        note = ", ".join(f"{one.criterion} {one.value}" for one in answer.value)
        entry, said = self._entry(tools, verdict), f"{self.name}, {note}"
        return CallResult(entry, task, answer.request_id, note=note, said=said)

    def _verdict(
        self, tools: Tools, scores: tuple[Score, ...] = (), problem: str | None = None
    ) -> CheckVerdict:
        return CheckVerdict(
            judge=self.judge.digest,
            model=self.judge.model,
            at=tools.now(),
            scores={one.criterion: one.value for one in scores},
            reasons={one.criterion: one.reason for one in scores if one.reason},
            problem=problem,
        )

    def _entry(self, tools: Tools, verdict: CheckVerdict) -> Entry:
        return _with_verdict(tools.entry, self.remote_id, self.video.key, verdict)

    def _not_yet(self, error: StudioError) -> StudioError:
        """The same error, with what it is about, and what comes of it."""
        lost = isinstance(error, LostAnswer)
        then = "the next run asks again, and makes no video again for it"
        return type(error)(
            f"the check video of {self.name} is not judged yet: {error.message}",
            method=error.method,
            path=error.path,
            status=error.status,
            code=error.code,
            service_message=error.service_message,
            request_id=error.request_id,
            hint=f"{error.remedy}; {then}" if error.remedy and not lost else then,
        )


def _with_verdict(entry: Entry, remote_id: str, key: str, verdict: CheckVerdict) -> Entry:
    known = entry.checks.get(remote_id)
    video = next((one for one in known.videos if one.key == key), None) if known else None
    if known is None or video is None:
        return entry
    return entry.with_round(remote_id, known.with_video(video.model_copy(update={"verdict": verdict})))


def _once_more_unanswered(before: CheckVerdict | None, now: CheckVerdict) -> CheckVerdict:
    return now.model_copy(update={"unanswered": (before.unanswered if before else 0) + 1})


def with_lost_verdict(entry: Entry, intent: Intent | None) -> Entry:
    """The entry, completed by a question of a run that ended over it: nobody has the answer."""
    if intent is None or intent.verb != Verb.JUDGE:
        return entry
    said: Mapping[str, Any] = intent.inputs
    known = entry.checks.get(said["deployed_model"])
    videos = known.videos if known and known.attempt == said["attempt"] else ()
    video = next((one for one in videos if one.key == said["video"]), None)
    if video is None or video.task_id != said["task"]:
        return entry
    before = video.verdict if video.verdict and video.verdict.judge == said["judge"] else None
    if before is not None and before.heard:
        return entry
    lost = CheckVerdict(judge=said["judge"], model=said["model"], at=intent.at)
    return _with_verdict(entry, said["deployed_model"], video.key, _once_more_unanswered(before, lost))


def asked_in_vain(video: CheckedVideo, judge: CheckJudge) -> str | None:
    """Why nobody asks any more by itself; None where somebody may."""
    verdict = verdict_of(video, judge)
    if verdict is None or verdict.heard or verdict.unanswered < MOST_UNANSWERED:
        return None
    asked = counted(verdict.unanswered, "question")
    return f"{asked} to {verdict.model} got no answer, and each may have been billed"
