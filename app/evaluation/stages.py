"""How far an evaluation is: its stages in order, and what each costs."""

from collections.abc import Callable
from typing import TypeAlias

# Rough shares of the time, for the progress bar.
_STAGES = {
    "looking at real images": 5,
    "measuring real images for the floor": 30,
    "drawing samples": 10,
    "looking at samples": 5,
    "measuring distances": 10,
    "measuring neighbours": 10,
    "reconstructing real images": 5,
    "searching for copies": 10,
    "training classifiers on samples": 30,
}
_INCEPTION_STAGES = {
    "looking at real images through Inception": 200,
    "measuring real images for the floor of Inception": 200,
    "looking at samples through Inception": 200,
    "measuring distances through Inception": 40,
}

OnProgress: TypeAlias = Callable[[int, int, str], None]


class Stages:
    """Turns stages, and parts of a stage, into work done.

    Args:
        callback: Called with work done, work in all, and what is being done.
        has_inception: Whether images are looked at through Inception, too.
    """

    def __init__(self, callback: OnProgress | None, *, has_inception: bool = False) -> None:
        self._callback = callback
        self._shares = _STAGES | _INCEPTION_STAGES if has_inception else _STAGES
        self._total = sum(self._shares.values())
        self._what = ""
        self._done = 0

    def enter(self, what: str) -> None:
        """Begin a stage; whatever comes before it is done, or was left out."""
        stages = list(self._shares)
        self._what, self._done = what, sum(self._shares[stage] for stage in stages[: stages.index(what)])
        self._tell(self._done)

    def tick(self, done: int, total: int) -> None:
        """Say how much of the stage is done."""
        self._tell(self._done + self._shares[self._what] * done // total)

    def finish(self) -> None:
        """Say that everything is done."""
        self._tell(self._total)

    def _tell(self, done: int) -> None:
        if self._callback:
            self._callback(done, self._total, self._what)
