"""Looks at a run and says in words when it goes wrong: a side that wins, images that repeat, coverage that falls.

Pure: it is told what was measured, and answers with findings. What follows from them is the caller's business.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import torch

from app.training.monitoring.diversity import Spread
from app.training.objectives.base import AdversarialObjective

STARVED_SHARE = 0.07
"""Of the loss when neither side wins: 0.05 of ln 2. Runs that ended in one mode stayed at 0.02 from the start, healthy
ones settled at 0.56 to 0.59. The other end tells nothing: a good run came to 0.9997 of a draw."""
STARVED_IMAGES = 10_000
"""Real images seen in that state before it is said: early on every discriminator wins for a moment."""
REMINDER_IMAGES = 50_000
"""What lasts is said again after this many images: a run recovered on its own after 57,000."""

GRACE_IMAGES = 60_000
"""Samples are not judged before: an average of weights that are still grey makes grey images, all alike."""
THIN_RATIO = 0.5
"""Distance between generated images over that between real ones. A good generator of digits had 1.00 over all images
and 0.96 to 1.08 within classes; two draws of ten real images of a class never came below 0.68 of each other."""
COLLAPSED_RATIO = 0.25
COLLAPSED_CLASSES = 0.5
"""Share of the classes that must have collapsed before the run counts as collapsed."""
PATIENCE = 2
"""Looks in a row that must show a collapse before it is called one."""
NEAR = 0.4
"""Images nearer to each other than this share of what is usual for the nearest of real ones count as duplicates: 1 %
of the samples of a good generator, 78 % at a fifth of its latents' width."""
DUPLICATES = 0.25
"""Share of duplicates, beyond that among real images, that is worth saying."""

COVERAGE_LOSS = 1 / 3
"""Fall from the best coverage so far that is called a collapse."""
MIN_COVERAGE = 0.1
"""Below it coverage is not worth defending: early on it goes up and down."""
SHOWN_CLASSES = 5

Level: TypeAlias = Literal["warn", "collapse"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that looks wrong.

    ``warn`` may pass; with ``collapse`` modes are lost, and earlier weights are better than these.
    """

    level: Level
    sentence: str
    measure: str
    """What was measured: ``discriminator_loss``, ``diversity``, ``class_diversity``, ``duplicates``, ``coverage``."""
    value: float


@dataclasses.dataclass
class _Memory:
    """What is known from before; all of it JSON."""

    last_images: int | None = None
    starved_since: int | None = None
    quiet_until: int = 0
    thin_looks: int = 0
    thin_class_looks: int = 0
    best_coverage: float = 0.0


class Watch:
    """Judges one run.

    Args:
        class_names: Of the generator, by label; empty when it is unconditional.
        real: Spread of real images, as many of each class as are shown to ``look``; None to judge losses only.
        balanced_loss: Discriminator loss when neither side wins, see ``balanced_loss``; None where there is no such
            thing.
    """

    def __init__(self, *, class_names: Sequence[str], real: Spread | None, balanced_loss: float | None) -> None:
        self._class_names = class_names
        self._real = real
        self._balanced_loss = balanced_loss
        self._memory = _Memory()

    def read_losses(self, images_seen: int, means: Mapping[str, float]) -> list[Finding]:
        """Judge a line of the log.

        Args:
            images_seen: Real images since the start of the run.
            means: Mean losses since the last line; ``discriminator_loss`` is what is looked at, without penalties.
        """
        memory, loss = self._memory, means.get("discriminator_loss")
        window_start = images_seen if memory.last_images is None else memory.last_images
        memory.last_images = images_seen
        if loss is None or self._balanced_loss is None:
            return []
        if loss >= STARVED_SHARE * self._balanced_loss:
            memory.starved_since = None
        elif memory.starved_since is None:
            memory.starved_since = window_start
        lasts = memory.starved_since is not None and images_seen - memory.starved_since >= STARVED_IMAGES
        if not lasts or images_seen < memory.quiet_until:
            return []
        memory.quiet_until = images_seen + REMINDER_IMAGES
        sentence = (
            f"the discriminator wins: its loss is {loss:.3f}, where {self._balanced_loss:.3f} is a draw, so the "
            "generator learns little; raise r1_gamma, r2_gamma"
        )
        return [Finding("warn", sentence, "discriminator_loss", loss)]

    def look(self, images_seen: int, generated: Spread) -> list[Finding]:
        """Judge a batch of generated images.

        Args:
            images_seen: Real images since the start of the run.
            generated: Their spread; labels and number as those of the real images.
        """
        if self._real is None or self._real.overall == 0 or images_seen < GRACE_IMAGES:
            return []
        found = [
            self._judge_all(generated.overall / self._real.overall),
            self._judge_classes(_divide_by_class(generated, self._real)),
            self._judge_duplicates(generated, self._real),
        ]
        return [finding for finding in found if finding is not None]

    def _judge_all(self, ratio: float) -> Finding | None:
        self._memory.thin_looks = self._memory.thin_looks + 1 if ratio < COLLAPSED_RATIO else 0
        if ratio >= THIN_RATIO:
            return None
        sentence = (
            f"generated images differ from each other only {ratio:.2f} times as much as real ones: modes are being "
            "dropped"
        )
        return Finding(_escalate(self._memory.thin_looks), sentence, "diversity", ratio)

    def _judge_classes(self, ratios: dict[int, float]) -> Finding | None:
        thin = sorted((ratio, label) for label, ratio in ratios.items() if ratio < THIN_RATIO)
        collapsed = sum(ratio < COLLAPSED_RATIO for ratio, _ in thin)
        is_collapsed = bool(thin) and collapsed >= COLLAPSED_CLASSES * len(ratios)
        self._memory.thin_class_looks = self._memory.thin_class_looks + 1 if is_collapsed else 0
        if not thin:
            return None
        worst = thin[0][0]
        sentence = (
            f"{self._name_classes(label for _, label in thin)}: generated images differ from each other only "
            f"{worst:.2f} times as much as real ones{' at worst' if len(thin) > 1 else ''}"
        )
        return Finding(_escalate(self._memory.thin_class_looks), sentence, "class_diversity", worst)

    def _judge_duplicates(self, generated: Spread, real: Spread) -> Finding | None:
        near = NEAR * float(np.median(real.nearest))
        share, usual = (float(np.mean(spread.nearest < near)) for spread in (generated, real))
        if share - usual < DUPLICATES:
            return None
        sentence = f"{share:.0%} of the generated images are nearly the same as another one; of real ones {usual:.0%}"
        return Finding("warn", sentence, "duplicates", share)

    def read_coverage(self, coverage: float) -> list[Finding]:
        """Judge the coverage of an evaluation, in [0, 1]; all of a run's must be measured in the same way."""
        best = self._memory.best_coverage
        self._memory.best_coverage = max(best, coverage)
        if best < MIN_COVERAGE or coverage > (1 - COVERAGE_LOSS) * best:
            return []
        return [Finding("collapse", f"coverage fell from {best:.2f} to {coverage:.2f}", "coverage", coverage)]

    def _name_classes(self, labels: Iterable[int]) -> str:
        names = [self._class_names[label] for label in labels]
        shown = ", ".join(names[:SHOWN_CLASSES])
        more = f" and {len(names) - SHOWN_CLASSES} more" if len(names) > SHOWN_CLASSES else ""
        return f"{'class' if len(names) == 1 else 'classes'} {shown}{more}"

    def state(self) -> dict[str, Any]:
        """Return what must be kept to go on, as JSON."""
        return dataclasses.asdict(self._memory)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._memory = _Memory(**state)


def balanced_loss(objective: AdversarialObjective) -> float | None:
    """Return the loss of a discriminator that gives all images the same score; None where that says nothing."""
    losses = [float(objective.discriminator_loss(score, score)) for score in torch.tensor([[0.0], [0.5]])]
    return min(losses) if min(losses) > 0 else None


def _escalate(looks: int) -> Level:
    return "collapse" if looks >= PATIENCE else "warn"


def _divide_by_class(generated: Spread, real: Spread) -> dict[int, float]:
    """Return the ratio of each class that both have; a class whose real images are all the same has none."""
    return {
        label: spread / real.by_class[label]
        for label, spread in generated.by_class.items()
        if real.by_class.get(label, 0.0) > 0
    }
