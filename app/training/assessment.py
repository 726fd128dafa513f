"""How good what a run trains is: the judge of its data, and evaluations through it."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import torch

from app.core.errors import DatasetError
from app.data.dataset import ImageDataset
from app.data.sources import open_dataset
from app.data.stacking import stack_dataset
from app.evaluation.evaluate import OnProgress, evaluate
from app.evaluation.judge import Judge, default_cache, open_judge
from app.evaluation.protocol import PROTOCOLS, ProtocolName
from app.evaluation.reference import Reference
from app.generators.base import Generator
from app.repository.evaluation import EvaluationRecord
from app.training.config import DataConfig
from app.training.probe import Probe

STACKED_TEST_IMAGES = 10_000
TEST_SEED = 1


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What measuring a run needs; opened when it is asked for, since a judge takes minutes to train.

    Attributes:
        dataset: What the generator is trained on.
        data: How that was read; its source names the place.
        device: Where judges compute.
        on_progress: Called while a judge is trained, with steps done and steps in all.
        cache: Folder of judges.
    """

    dataset: ImageDataset
    data: DataConfig
    device: torch.device
    on_progress: Callable[[int, int], None] | None = None
    cache: Path = dataclasses.field(default_factory=default_cache)

    def evaluate(
        self, generator: Generator, protocol: ProtocolName, *, on_progress: OnProgress | None = None
    ) -> EvaluationRecord:
        """Measure a generator by a protocol."""
        return evaluate(
            generator,
            self.reference,
            self.judge,
            PROTOCOLS[protocol],
            channel_judge=self.channel_judge,
            on_progress=on_progress,
        )

    def create_probe(self, num_samples: int) -> Probe:
        """Return short evaluations for the time of the run."""
        return Probe(self.dataset, self.judge, num_samples=num_samples)

    @functools.cached_property
    def reference(self) -> Reference:
        """The training images, and those that were kept back, where the source has them."""
        test = self._open("test")
        if test is not None and self.data.stack:
            test = stack_dataset(test, num_images=STACKED_TEST_IMAGES, seed=TEST_SEED)
        return Reference(self.dataset, test)

    @functools.cached_property
    def judge(self) -> Judge:
        """The judge of the data."""
        return self._open_judge(self.dataset, self.reference.test)

    @functools.cached_property
    def channel_judge(self) -> Judge | None:
        """The judge of the grey images that were stacked; None where none were."""
        train = self._open("train") if self.data.stack else None
        return None if train is None else self._open_judge(train, self._open("test"))

    def _open_judge(self, train: ImageDataset, test: ImageDataset | None) -> Judge:
        return open_judge(train, test, cache=self.cache, device=self.device, on_progress=self.on_progress)

    def _open(self, split: str) -> ImageDataset | None:
        """Read a split as the training images were read; None where the source has no such split."""
        if self.data.source is None:
            return None
        height, width, channels = self.dataset.images.shape[1:]
        try:
            return open_dataset(
                self.data.source,
                image_size=(height, width),
                channels=1 if self.data.stack or channels == 1 else 3,
                split=split,
                skip_broken=self.data.skip_broken,
            )
        except DatasetError:
            return None
