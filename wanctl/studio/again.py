"""A call that failed, made again: how often, after which waits, and out of whose budget.

Imported with the first fault that may pass.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.stop import stop_base

from wanctl.base.backoff import AskedBackoff, said_in
from wanctl.studio.errors import StudioError
from wanctl.studio.pace import Pace, RetryBudget

_log = logging.getLogger("wanctl.studio")
_Result = TypeVar("_Result")

TRIES = 5
TRIES_IN_SILENCE = 3
PATIENCE = 60.0  # seconds: the longest wait between two tries, whatever the service asks for
_NO_TRIES_LEFT = (
    "not tried again: too many calls of this run have failed; the service seems to be down, so try later"
)


async def tried_again(
    attempt: Callable[[], Awaitable[_Result]],
    fault: Exception,
    pace: Pace,
    worth: Callable[[BaseException], bool],
) -> _Result:
    """The result of an attempt whose first try came to this fault."""
    tries = AsyncRetrying(
        sleep=pace.sleep,
        stop=stop_after_attempt(TRIES) | _SilentAgain() | _NoBudget(pace.budget),
        wait=AskedBackoff(multiplier=1, least=0.25, most=16, patience=PATIENCE),
        retry=retry_if_exception(worth),
        before_sleep=said_in(_log, TRIES),
        reraise=True,
    )
    async for one in tries:
        with one:
            if one.retry_state.attempt_number == 1:
                raise fault
            return await attempt()
    raise AssertionError("tenacity returns or raises")


class _SilentAgain(stop_base):
    """Each silence takes the whole of the timeout: a service that hangs is to be reported in minutes."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        silent = isinstance(error and error.__cause__, httpx.ReadTimeout)
        return silent and retry_state.attempt_number >= TRIES_IN_SILENCE


class _NoBudget(stop_base):
    """Takes a try from the run's budget; where there is none, the error says why it was not made."""

    def __init__(self, budget: RetryBudget) -> None:
        self._budget = budget

    def __call__(self, retry_state: RetryCallState) -> bool:
        if self._budget.spend():
            return False
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, StudioError):
            error.remedy = "; ".join(part for part in (error.remedy, _NO_TRIES_LEFT) if part)
        return True
