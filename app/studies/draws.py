"""The real images of a study: what each seed may learn from, and what all are tested on."""

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError
from app.data.dataset import ImageDataset, build_dataset
from app.data.options import Progress
from app.data.sources import open_dataset
from app.training.config import DataConfig

HELD_OUT = 3  # one image of so many of each class is tested on, where there is no test split
MAX_TEST_IMAGES = 10_000
MIN_PER_CLASS = 2


@dataclasses.dataclass(frozen=True, eq=False)
class StudyData:
    """Labelled images in two parts that share none.

    Attributes:
        pool: What real images are drawn from.
        test: What classifiers are tested on, at most 10,000.
        test_split: Where those come from.
    """

    pool: ImageDataset
    test: ImageDataset
    test_split: Literal["test", "held out"]

    def check(self, per_class: int, num_seeds: int) -> None:
        """Refuse more images than there are: no two seeds may share one.

        Raises:
            DatasetError: If a class has too few.
        """
        name, count = min(self.pool.class_counts.items(), key=lambda item: item[1])
        if count < per_class * num_seeds:
            raise DatasetError(
                f"{num_seeds} seeds of {per_class} images per class need {num_seeds * per_class} of each class, and "
                f"class {name!r} has {count} to draw from; take fewer per class, or fewer seeds",
                limit=count // num_seeds,
            )

    def draw(self, per_class: int, number: int) -> ImageDataset:
        """Return the real images of one seed: the same for the same number, none in common with another one."""
        rows = [
            shuffled[number * per_class : (number + 1) * per_class]
            for shuffled in (_shuffle_class(self.pool.labels, label) for label in range(len(self.pool.class_names)))
        ]
        return _take(self.pool, np.concatenate(rows))


def open_study_data(source: str, data: DataConfig, *, on_progress: Progress | None = None) -> StudyData:
    """Read the images of a study.

    Args:
        source: As for training.
        data: Size, colours and split; the test split is read in the same way.
        on_progress: Called with images read and images in all.

    Raises:
        DatasetError: If the source cannot be read, or its images have no classes.
    """
    pool = open_dataset(
        source,
        image_size=data.image_size,
        channels=data.channels,
        split=data.split,
        skip_broken=data.skip_broken,
        on_progress=on_progress,
    )
    if not pool.class_names:
        raise DatasetError("a utility study needs images with at least two classes, and these have no labels")
    if data.split == "test":
        return _hold_out(pool)
    height, width, channels = pool.images.shape[1:]
    try:
        test = open_dataset(
            source,
            image_size=(height, width),
            channels=1 if channels == 1 else 3,
            split="test",
            limit=MAX_TEST_IMAGES,
            skip_broken=data.skip_broken,
        )
    except DatasetError:
        return _hold_out(pool)
    if test.class_names != pool.class_names:
        raise DatasetError("the test split does not have the classes of the train split")
    return StudyData(pool, test, "test")


def _hold_out(dataset: ImageDataset) -> StudyData:
    """Keep a third of each class for testing; drawn at random, since neighbours may be frames of one film."""
    kept = np.concatenate(
        [_shuffle_class(dataset.labels, label)[::HELD_OUT] for label in range(len(dataset.class_names))]
    )
    rest = np.setdiff1d(np.arange(dataset.num_images), kept)
    test = _take(dataset, np.sort(kept)[:: -(-len(kept) // MAX_TEST_IMAGES)])
    return StudyData(_take(dataset, rest), test, "held out")


def _shuffle_class(labels: NDArray[np.int64], label: int) -> NDArray[np.int64]:
    return np.random.default_rng(label).permutation(np.flatnonzero(labels == label))


def _take(dataset: ImageDataset, rows: NDArray[np.int64]) -> ImageDataset:
    """Return some images as a data set of its own."""
    return build_dataset(dataset.name, dataset.images[rows], dataset.labels[rows], dataset.class_names)
