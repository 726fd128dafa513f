"""When a request is sent again, and how long the client waits before that."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from app.client.errors import FountError, UnreachableError

_ASK_AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_MAX_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a client tries again: after 429 and 503, and where the connection broke.

    That is safe: a sample is computed, not taken. With a seed the answer is the same; without one, the service may draw
    other samples than those of the answer that was lost.

    Attributes:
        max_retries: How often a request is sent again; 0 for never.
        base_s: Bound of the first wait, in seconds. It doubles each time, and the wait is drawn from zero to the bound,
            so that many clients do not come back at once.
        max_wait_s: Longest wait, in seconds. Where the service asks for a longer one, the error is raised at once.
    """

    max_retries: int = 4
    base_s: float = 0.25
    max_wait_s: float = 30.0

    def wait_s(self, error: FountError, num_tried: int, draw: Callable[[], float] = random.random) -> float | None:
        """Say how long to wait before the next try.

        Args:
            error: What the last try came to.
            num_tried: How many tries there were, at least 1.
            draw: Gives numbers in [0, 1).

        Returns:
            Seconds, never less than ``Retry-After`` says; None if there is no next try.
        """
        if num_tried > self.max_retries or not _may_pass(error):
            return None
        bound = min(self.base_s * 2.0 ** min(num_tried - 1, _MAX_DOUBLINGS), self.max_wait_s)
        asked = error.retry_after_s or 0.0
        return None if asked > self.max_wait_s else asked + bound * draw()


DEFAULT_RETRIES = RetryPolicy()


def _may_pass(error: FountError) -> bool:
    return isinstance(error, UnreachableError) or error.status in _ASK_AGAIN
