"""The call that asks a deployment for one video of its checks. It is billed, and made once for each.

What is known before it stands in the intent; the task's id is in the ledger before anybody waits for it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wanctl.address import Address
from wanctl.base.errors import WanctlError
from wanctl.finding import Severity
from wanctl.generation.checks import WantedVideo
from wanctl.generation.modes import CalledModel
from wanctl.kinds.acting import CallResult, Tools
from wanctl.ledger.record import CheckedVideo, CheckRound, Entry, Intent, Verb
from wanctl.studio.errors import Refused, StudioError

if TYPE_CHECKING:
    from wanctl.generation.body import VideoCall


@dataclass(frozen=True)
class AskForVideo:
    """Ask for one video of the checks."""

    address: Address
    called: CalledModel
    wanted: WantedVideo
    round: CheckRound
    since: datetime  # when the account was read that it is planned on
    verb: Verb = Verb.CHECK

    @property
    def remote_id(self) -> str:
        return self.called.name

    @property
    def identity(self) -> str:
        return f"{self.remote_id} {self.round.attempt} {self.wanted.key}"

    def inputs(self) -> dict[str, Any]:
        return {
            "deployed_model": self.remote_id,
            "video": self.wanted.key,
            "request": self.wanted.written,
            "attempt": self.round.attempt,
            "held": self.round.held,
            "since": self.since.isoformat(),
        }

    async def perform(self, tools: Tools) -> CallResult:
        call = self._call()
        stored: dict[str, str] = {}
        for place in call.uploads:
            stored[place.file.sha256] = await tools.studio.temporary.upload(
                self.remote_id, place.file.name, place.file.opened
            )
        answer = await tools.studio.tasks.submit(
            call.path, call.filled(stored), resolves_storage=call.resolves_storage
        )
        video = CheckedVideo(
            key=self.wanted.key, since=self.since, asked=tools.now(), task_id=answer.value.task_id
        )
        entry = with_video(tools.entry, self.remote_id, self.round, video)
        return CallResult(entry, video.task_id, answer.request_id)

    def _call(self) -> "VideoCall":
        """The request as it is sent; Refused where its image has changed or gone since it was looked at."""
        from wanctl.generation.body import call_of
        from wanctl.generation.inputs import inputs_of
        from wanctl.generation.rules import problems

        try:
            request = self.wanted.request.model_copy(update={"model": self.called.name})
            inputs = inputs_of(request)
            wrong = [one for one in problems(request, self.called, inputs) if one.severity is Severity.ERROR]
        except WanctlError as error:
            raise _not_sent(self.wanted, error.message) from error
        if wrong:
            raise _not_sent(self.wanted, "; ".join(one.message for one in wrong))
        return call_of(request, self.called, inputs)


def _not_sent(wanted: WantedVideo, why: str) -> StudioError:
    return Refused(f"the check {wanted.name} was not sent: {why}", hint="correct it under checks:")


def with_video(entry: Entry, remote_id: str, checks: CheckRound, video: CheckedVideo) -> Entry:
    """The entry with this video in the checks of that deployment."""
    known = entry.checks.get(remote_id)
    current = known if known and known.attempt == checks.attempt else checks
    return entry.with_round(remote_id, current.with_video(video))


def with_unanswered(entry: Entry, intent: Intent | None) -> Entry:
    """The entry, completed by the video of an open call: nobody knows yet whether a task was started."""
    if intent is None or intent.verb != Verb.CHECK:
        return entry
    said = intent.inputs
    checks = CheckRound(attempt=said["attempt"], held=said["held"])
    video = CheckedVideo(key=said["video"], since=datetime.fromisoformat(said["since"]), asked=intent.at)
    return with_video(entry, said["deployed_model"], checks, video)
