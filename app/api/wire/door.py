"""What all connections of one server share."""

from typing import Protocol

from app.api.monitoring.answered import ANYBODY, UNMATCHED, Answered, CountAnswer
from app.api.thinning import ThinnedLines
from app.api.wire.limits import Limits
from app.api.wire.refusals import Refusal
from app.core.logging import get_logger

_METHOD = "other"


class Waiting(Protocol):
    """A connection that may ask for a probe, and has not."""

    def turn_away(self) -> None:
        """Say that there is no room, and end it."""


class Door:
    """Bounds, whether the server is about to go, and an account of what was refused.

    Args:
        limits: Of each connection, and of how many there are.
        count_answer: Called once per refusal.

    Attributes:
        limits: As given.
        is_leaving: Whether the server is about to go: answers say that their connection is closed.
    """

    def __init__(self, limits: Limits, count_answer: CountAnswer) -> None:
        self.limits = limits
        self.is_leaving = False
        self._count_answer = count_answer
        self._waiting: dict[Waiting, None] = {}
        self._log = get_logger("wire").bind()
        self._thinned = ThinnedLines()

    def reserve(self, connection: Waiting) -> None:
        """Give a new connection a place of the reserve; who has had one for longest and asks nothing loses it."""
        self._waiting[connection] = None
        if len(self._waiting) > self.limits.reserve:
            next(iter(self._waiting)).turn_away()

    def release(self, connection: Waiting) -> None:
        """Learn that a connection has asked, or is gone."""
        self._waiting.pop(connection, None)

    def note(self, refusal: Refusal, seconds: float, now: float) -> None:
        """Count a refusal, and log it; what was sent is in neither.

        Args:
            refusal: Why a connection was ended.
            seconds: Since its request began.
            now: Time of the event loop.
        """
        status = refusal.status.value
        self._count_answer(Answered(_METHOD, UNMATCHED, status, seconds, ANYBODY, problem=refusal.code))
        left_out = self._thinned.pass_on((UNMATCHED, status, refusal.code), now)
        if left_out is not None:
            self._log.debug("connection_refused", status=status, code=refusal.code, left_out=left_out)
