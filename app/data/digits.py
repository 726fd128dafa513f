"""The handwritten digits that come with scikit-learn: 1797 images of 8 by 8, no download."""

import numpy as np

from app.core.errors import DatasetError
from app.data.arrays import index_labels, load_arrays
from app.data.dataset import ImageDataset
from app.data.options import ReadOptions

_LEVELS = 16  # its pixels are 0 to 16


def read_digits(options: ReadOptions) -> ImageDataset:
    """Read the built-in digits.

    Raises:
        DatasetError: If scikit-learn is not installed, or another split than ``train`` is wanted.
    """
    if options.split != "train":
        raise DatasetError("the built-in digits have no splits; all of them are 'train'")
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise DatasetError("the built-in digits need scikit-learn: pip install 'fount[train]'") from error
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / _LEVELS)).astype(np.uint8)[..., None]
    labels, class_names = index_labels(bunch.target)
    return load_arrays("digits", images, labels, class_names, options)
