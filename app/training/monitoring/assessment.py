"""How good what a run trains is: the judge of its data, and evaluations through it."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import torch

from app.core.errors import DatasetError
from app.data.dataset import ImageDataset
from app.data.sources import open_dataset
from app.evaluation.classifier import ClassifierRecipe
from app.evaluation.evaluate import evaluate
from app.evaluation.judge import Judge, default_cache, open_judge
from app.evaluation.protocol import PROTOCOLS, ProtocolName
from app.evaluation.reference import Reference, stack_reference
from app.evaluation.stages import OnProgress
from app.generators.base import Encoder, Generator
from app.repository.evaluation import EvaluationRecord
from app.training.config import TrainingConfig
from app.training.monitoring.probe import Probe


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What measuring a run needs; opened when it is asked for, since a judge takes minutes to train.

    Attributes:
        config: Of the run; its source names the place of the data.
        dataset: What was read from there, before it was stacked.
        device: Where judges compute.
        on_progress: Called while a judge is trained, with steps done and steps in all.
        cache: Folder of judges.
        recipe: How a judge is trained; by default as long as its images need.
    """

    config: TrainingConfig
    dataset: ImageDataset
    device: torch.device
    on_progress: Callable[[int, int], None] | None = None
    cache: Path = dataclasses.field(default_factory=default_cache)
    recipe: ClassifierRecipe | None = None

    def evaluate(
        self,
        generator: Generator,
        protocol: ProtocolName,
        *,
        encoder: Encoder | None = None,
        on_progress: OnProgress | None = None,
    ) -> EvaluationRecord:
        """Measure a generator by a protocol, and its encoder if it has one."""
        return evaluate(
            generator,
            self.reference,
            self.judge,
            PROTOCOLS[protocol],
            encoder=encoder,
            channel_judge=self.channel_judge,
            on_progress=on_progress,
        )

    def create_probe(self, num_samples: int) -> Probe:
        """Return short evaluations for the time of the run."""
        return Probe(self.reference.train, self.judge, num_samples=num_samples)

    @functools.cached_property
    def reference(self) -> Reference:
        """The training images, and those that were kept back, where the source has them."""
        stack = self.config.data.stack
        if stack:
            return stack_reference(self._read(self.dataset), num_images=stack, seed=self.config.seed)
        return self._read(self.dataset)

    @functools.cached_property
    def judge(self) -> Judge:
        """The judge of the data."""
        return self._open_judge(self.reference)

    @functools.cached_property
    def channel_judge(self) -> Judge | None:
        """The judge of the grey images that were stacked; None where none were."""
        return self._open_judge(self._read(self.dataset)) if self.config.data.stack else None

    def _open_judge(self, reference: Reference) -> Judge:
        return open_judge(
            reference.train,
            reference.test,
            cache=self.cache,
            recipe=self.recipe,
            device=self.device,
            on_progress=self.on_progress,
        )

    def _read(self, train: ImageDataset) -> Reference:
        """Join training images as they were read with the test split, read in the same way."""
        data, (height, width, channels) = self.config.data, train.images.shape[1:]
        if data.source is None:
            return Reference(train)
        try:
            test = open_dataset(
                data.source,
                image_size=(height, width),
                channels=1 if channels == 1 else 3,
                split="test",
                skip_broken=data.skip_broken,
            )
        except DatasetError:
            return Reference(train)
        return Reference(train, test)
