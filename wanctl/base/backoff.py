"""The waits between the tries of a call, whoever is called: a service, a forge or a cluster."""

import logging
from collections.abc import Callable

from tenacity import RetryCallState
from tenacity.wait import wait_base, wait_random_exponential


class AskedBackoff(wait_base):
    """Twice as long each time, with jitter. Where the error has a `retry_after`, as long as that says, and
    never longer than `patience`."""

    def __init__(self, *, multiplier: float, least: float, most: float, patience: float) -> None:
        self._grow = wait_random_exponential(multiplier=multiplier, min=least, max=most)
        self._patience = patience

    def __call__(self, retry_state: RetryCallState) -> float:
        asked = getattr(_fault(retry_state), "retry_after", None)
        return min(asked, self._patience) if asked is not None else self._grow(retry_state)


def said_in(log: logging.Logger, tries: int) -> Callable[[RetryCallState], None]:
    """Tells the log of each further try, and why it is made."""

    def say(retry_state: RetryCallState) -> None:
        log.info("trying again (%d of %d): %s", retry_state.attempt_number + 1, tries, _fault(retry_state))

    return say


def _fault(retry_state: RetryCallState) -> BaseException | None:
    return retry_state.outcome.exception() if retry_state.outcome else None
