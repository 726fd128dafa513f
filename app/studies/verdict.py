"""From accuracies to a verdict in words: differences within seeds, their intervals, and what to do.

An arm counts as better or worse than its baseline only when the interval of the difference does not hold 0. Several
mixes are tried and the best one is looked at, which is partly luck: so to help, it must do so by an interval that is
wide enough for all of them together.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from app.studies.arms import AUGMENTED, REAL, Arm
from app.studies.intervals import Interval, student_interval

Answer: TypeAlias = Literal["helps", "does not help", "cannot tell"]
Accuracies: TypeAlias = Mapping[Arm, Sequence[float]]
"""Of each arm, the accuracy of each seed in [0, 1]; seeds in the same order for all."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """An arm against its baseline.

    Attributes:
        arm: The arm.
        baseline: What it is compared with.
        difference: Of accuracies, in percentage points, with its 95 % interval.
        together: The same with the interval that holds for all arms of that baseline at once.
        num_arms: How many those are.
    """

    arm: Arm
    baseline: Arm
    difference: Interval
    together: Interval
    num_arms: int

    @property
    def answer(self) -> Answer:
        """Whether the arm helps."""
        if self.difference.high < 0:
            return "does not help"
        return "helps" if self.together.low > 0 else "cannot tell"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The answer of a study.

    Attributes:
        answer: Whether generated data helps.
        sentence: The answer with the difference and its interval.
        recommended: The arm to use: a mix only where it helps.
        advice: What to do, in words.
    """

    answer: Answer
    sentence: str
    recommended: Arm
    advice: str


def compare_arms(accuracies: Accuracies) -> list[Comparison]:
    """Compare every arm that has a baseline with it, paired by seeds."""
    return [_compare(arm, arm.baseline, accuracies) for arm in accuracies if arm.baseline is not None]


def _compare(arm: Arm, baseline: Arm, accuracies: Accuracies) -> Comparison:
    points = [100 * (ours - theirs) for ours, theirs in zip(accuracies[arm], accuracies[baseline], strict=True)]
    rivals = (
        [other for other in accuracies if other.share > 0 and other.baseline == baseline] if arm.share > 0 else [arm]
    )
    together = student_interval(points, comparisons=len(rivals))
    return Comparison(arm, baseline, student_interval(points), together, len(rivals))


def reach_verdict(accuracies: Accuracies) -> Verdict:
    """Say whether generated data helps beside what is best without it.

    The better of both baselines is what a user would take, so that one decides, by the best arm that is compared with
    it. Taking the better one favours it, which is the safe side.

    Args:
        accuracies: Of all arms, at least two seeds.
    """
    baseline = max((REAL, AUGMENTED), key=lambda arm: _mean(accuracies[arm]))
    mixes = [mix for mix in compare_arms(accuracies) if mix.arm.share > 0 and mix.baseline == baseline]
    best = max(mixes, key=lambda mix: mix.difference.mean)
    if best.answer == "helps":
        return Verdict("helps", _describe(best), best.arm, f"mix: train on {best.arm.name}")
    return Verdict(best.answer, _describe(best), baseline, f"ratio 0: train on {baseline.name}, no generated images")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _describe(best: Comparison) -> str:
    head = {
        "helps": "generated data helps",
        "does not help": "generated data does not help",
        "cannot tell": "cannot tell whether generated data helps",
    }[best.answer]
    own = f"95 % interval {format_interval(best.difference)}"
    together = f"as the best of {best.num_arms} arms {format_interval(best.together)}"
    tail = {
        "helps": f"{own}; {together}",
        "does not help": own,
        "cannot tell": f"the {own} holds 0" if best.difference.low <= 0 else f"{own}, but {together} holds 0",
    }[best.answer]
    return f"{head}: {best.difference.mean:+.2f} points with {best.arm.name} against {best.baseline.name} ({tail})"


def format_interval(interval: Interval) -> str:
    """Write both ends of an interval of differences: ``-0.31 to +0.12``."""
    return f"{interval.low:+.2f} to {interval.high:+.2f}"
