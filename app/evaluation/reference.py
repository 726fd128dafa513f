"""The real images that generated ones are held against, and the real images that stand in for generated ones."""

import dataclasses
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int64

from app.core.apportionment import apportion
from app.core.errors import DatasetError
from app.data.dataset import ImageDataset
from app.data.sources import open_dataset
from app.data.stacking import stack_dataset
from app.evaluation.arrays import Classes
from app.evaluation.class_order import take_classes
from app.evaluation.classifier import Pixels
from app.evaluation.judge import Judge, Look
from app.repository.manifest import ImageSpec

STACKED_TEST_IMAGES = 10_000
_ROW_SEED = 0
_STACK_SEED = 1


class View(NamedTuple):
    """Images with their classes, and what the judge sees in them."""

    images: Pixels
    labels: Classes
    look: Look

    def take(self, count: int) -> "View":
        """Return some of the images, chosen once and for all; all of them, where there are no more."""
        if count >= len(self.images):
            return self
        rows = choose_rows(len(self.images))[:count]
        look = Look(self.look.features[rows], self.look.probabilities[rows])
        return View(self.images[rows], self.labels[rows], look)


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """The data that a generator was trained on, and the split that it is compared with.

    Attributes:
        train: What the generator was trained on.
        test: What it has never seen; None where the data has no such split. Then figures are taken against ``train``,
            and say so in their names.
    """

    train: ImageDataset
    test: ImageDataset | None = None

    def __post_init__(self) -> None:
        if self.test is None:
            return
        if self.test.images.shape[1:] != self.train.images.shape[1:]:
            raise DatasetError("the images of the train and the test split differ in size or colour")
        if self.test.class_names != self.train.class_names:
            raise DatasetError("the train and the test split have different classes")

    @property
    def dataset(self) -> ImageDataset:
        """The images that generated ones are compared with."""
        return self.test or self.train

    @property
    def split(self) -> Literal["train", "test"]:
        """Which split that is."""
        return "test" if self.test else "train"

    @property
    def class_names(self) -> list[str]:
        """Names in label order; empty when unlabelled."""
        return self.train.class_names

    def view(self, judge: Judge) -> View:
        """Let the judge look at the images that generated ones are compared with."""
        return look_at(judge, self.dataset.images, self.dataset.labels)

    @property
    def shares(self) -> list[int]:
        """Images of each class among those that generated ones are compared with; one number without classes."""
        counts: list[int] = np.bincount(self.dataset.labels, minlength=max(1, len(self.class_names))).tolist()
        return counts

    @property
    def is_even(self) -> bool:
        """Whether these images are of all classes alike."""
        return len(set(self.shares)) == 1

    def stand_ins(self, count: int | None = None, *, even: bool = False) -> tuple[ImageDataset, ImageDataset]:
        """Return real images in the place of generated ones, and what they are compared with: for the floor.

        Images of the train split against the test split; without one, half of the images against the other half.

        Args:
            count: How many; all by default. Fewer, where a class has not enough images.
            even: Whether to take equally many of each class, and not as many as what they are compared with has.
        """
        if self.test is not None:
            rows, against = choose_rows(self.train.num_images), self.test
        else:
            rows, others = self.halves()
            against = take_images(self.train, others)
        shares = [1] * len(self.shares) if even else self.shares
        wanted = apportion(len(rows) if count is None else count, shares)
        return take_images(self.train, rows[take_classes(self.train.labels[rows], wanted)]), against

    def halves(self) -> tuple[Int64[np.ndarray, " half"], Int64[np.ndarray, " rest"]]:
        """Return the rows of two random halves of the train split, each with half of every class, always the same."""
        shuffled = choose_rows(self.train.num_images)
        by_class = np.argsort(self.train.labels[shuffled], kind="stable")
        return shuffled[np.sort(by_class[1::2])], shuffled[np.sort(by_class[::2])]


def open_reference(source: str, image: ImageSpec, *, on_missing: Callable[[str], None] | None = None) -> Reference:
    """Read the splits of a source, at the size and in the colours of a generator.

    Args:
        source: As for training.
        image: What the generator makes.
        on_missing: Called with the reason when there is no test split.

    Raises:
        DatasetError: If the source cannot be read.
    """
    size, channels = (image.height, image.width), image.channels
    train = open_dataset(source, image_size=size, channels=channels)
    try:
        test = open_dataset(source, image_size=size, channels=channels, split="test")
    except DatasetError as error:
        if on_missing:
            on_missing(error.detail)
        return Reference(train)
    return Reference(train, test)


def stack_reference(grey: Reference, *, num_images: int, seed: int) -> Reference:
    """Return the reference of a generator that was trained on stacks of grey images.

    Args:
        grey: The images that were stacked.
        num_images: How many stacks it was trained on.
        seed: Of the run.
    """
    train = stack_dataset(grey.train, num_images=num_images, seed=seed)
    if grey.test is None:
        return Reference(train)
    return Reference(train, stack_dataset(grey.test, num_images=STACKED_TEST_IMAGES, seed=_STACK_SEED))


def look_at(judge: Judge, images: Pixels, labels: Classes) -> View:
    """Let the judge look at images."""
    return View(images, labels, judge.look(images))


def take_images(dataset: ImageDataset, rows: Classes) -> ImageDataset:
    """Return some images of a data set, under its name and digest: they go no further than the metrics."""
    return dataclasses.replace(dataset, images=dataset.images[rows], labels=dataset.labels[rows])


def choose_rows(num_rows: int) -> Classes:
    """Return all rows in an order that is random, and the same every time; its first rows are a random choice."""
    order: Classes = np.random.default_rng(_ROW_SEED).permutation(num_rows)
    return order
