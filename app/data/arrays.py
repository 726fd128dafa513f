"""Arrays of pixels and labels, in whatever shape and range they come, to a training set."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.core.errors import DatasetError
from app.data.dataset import ImageDataset, build_dataset, printable
from app.data.decoding import is_grey, to_pixels
from app.data.loading import CHUNK_IMAGES, count_workers
from app.data.options import ReadOptions, require_memory

_RANGE_SLACK = 1e-4  # what float arithmetic leaves outside a range


def load_arrays(
    name: str,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    class_names: Sequence[str],
    options: ReadOptions,
) -> ImageDataset:
    """Fit pixels (N, H, W, C) to the options and join them with their labels.

    Raises:
        DatasetError: If the parts contradict each other, or do not fit into memory.
    """
    if labels is not None and len(labels) != len(images):
        raise DatasetError(f"there are {len(images)} images and {len(labels)} labels")
    rows = options.choose_rows(len(images))
    chosen = images if len(rows) == len(images) else images[rows]
    pixels = _fit(chosen, options)
    if options.channels is None and pixels.shape[3] == 3 and is_grey(pixels):  # noqa: PLR2004 - RGB
        pixels = pixels[..., :1]
    return build_dataset(name, pixels, None if labels is None else labels[rows], class_names)


def to_uint8_nhwc(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Bring an array of images to uint8 (N, H, W, C).

    Takes (N, H, W), (N, H, W, C) and (N, C, H, W) with one or three channels; whole numbers in [0, 255], floats in
    [0, 1] or [-1, 1], and booleans.

    Raises:
        DatasetError: If the shape or the range is none of these.
    """
    ordered = _order_axes(values)
    if ordered.size == 0:
        raise DatasetError(f"the array of images is empty: its shape is {values.shape}")
    if ordered.dtype == np.uint8:
        return ordered.view(np.uint8)
    scale, shift = _find_range(ordered)
    require_memory(ordered.size)
    pixels = np.empty(ordered.shape, np.uint8)
    for start in range(0, len(ordered), CHUNK_IMAGES):
        part = ordered[start : start + CHUNK_IMAGES].astype(np.float64)
        pixels[start : start + CHUNK_IMAGES] = np.clip(np.rint(part * scale + shift), 0, 255)
    return pixels


def index_labels(
    values: NDArray[np.generic], reference: NDArray[np.generic] | None = None
) -> tuple[NDArray[np.int64], list[str]]:
    """Turn labels into class indices and names.

    Args:
        values: Whole numbers, or text; (N) or (N, 1).
        reference: Labels of the training split, which name the classes for every split.

    Returns:
        Class indices, and the distinct values of the reference in ascending order as text.

    Raises:
        DatasetError: If the labels are of another kind, or one is not in the reference.
    """
    flat = flatten_labels(values)
    classes = np.unique(flat if reference is None else flatten_labels(reference))
    unknown = ~np.isin(flat, classes)
    if unknown.any():
        raise DatasetError(f"this split has a class that the training split has not: {flat[unknown][0]}")
    return np.searchsorted(classes, flat).astype(np.int64), [printable(str(value)) for value in classes.tolist()]


def flatten_labels(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return labels (N) of whole numbers or text.

    Raises:
        DatasetError: If they are of another shape or kind.
    """
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values  # noqa: PLR2004 - (N, 1)
    if flat.ndim != 1 or flat.dtype.kind not in "iuU":
        raise DatasetError(
            f"labels must be one whole number or text per image; here are {values.dtype} of shape {values.shape}"
        )
    return flat


def _order_axes(values: NDArray[np.generic]) -> NDArray[np.generic]:
    if values.ndim == 3:  # noqa: PLR2004 - grey
        return values[..., None]
    if values.ndim == 4 and values.shape[3] in (1, 3):  # noqa: PLR2004 - channels last
        return values
    if values.ndim == 4 and values.shape[1] in (1, 3):  # noqa: PLR2004 - channels first
        return values.transpose(0, 2, 3, 1)
    raise DatasetError(
        "images must be (N, H, W), (N, H, W, C) or (N, C, H, W) with one or three channels; "
        f"here the shape is {values.shape}"
    )


def _find_range(values: NDArray[np.generic]) -> tuple[float, float]:
    """Return scale and shift to [0, 255]."""
    if values.dtype.kind == "b":
        return 255.0, 0.0
    if values.dtype.kind not in "iuf":
        raise DatasetError(f"pixels must be numbers; here they are {values.dtype}")
    low, high = float(values.min()), float(values.max())  # NaN spreads to both
    is_float = values.dtype.kind == "f"
    if is_float and high <= 1 + _RANGE_SLACK and low >= -1 - _RANGE_SLACK:
        return (255.0, 0.0) if low >= -_RANGE_SLACK else (127.5, 127.5)
    if low >= 0 and high <= 255 and (not is_float or _is_whole(values)):  # noqa: PLR2004 - eight bits
        return 1.0, 0.0
    raise DatasetError(
        "pixels must be whole numbers in [0, 255], or floats in [0, 1] or [-1, 1]; "
        f"here they are {values.dtype} from {low:g} to {high:g}"
    )


def _is_whole(values: NDArray[np.generic]) -> bool:
    parts = (values[start : start + CHUNK_IMAGES] for start in range(0, len(values), CHUNK_IMAGES))
    return all(np.array_equal(part, np.rint(part)) for part in parts)


def _fit(images: NDArray[np.uint8], options: ReadOptions) -> NDArray[np.uint8]:
    size = options.image_size or (images.shape[1], images.shape[2])
    channels = options.channels or images.shape[3]
    if (*size, channels) == images.shape[1:]:
        options.report(len(images), len(images))
        return images
    shape = (len(images), *size, channels)
    require_memory(int(np.prod(shape, dtype=object)))
    fitted = np.empty(shape, np.uint8)

    def fit_chunk(start: int) -> int:
        stop = min(start + CHUNK_IMAGES, len(images))
        for row in range(start, stop):
            grey = images.shape[3] == 1
            image = Image.fromarray(np.ascontiguousarray(images[row, :, :, 0] if grey else images[row]))
            fitted[row] = to_pixels(image, image_size=size, channels=options.channels)
        return stop

    # Threads only wait for each other over tiny images.
    workers = count_workers() if max(fitted.nbytes, images.nbytes) > len(images) * 2**14 else 1
    with ThreadPoolExecutor(workers, thread_name_prefix="resize") as pool:
        for done in pool.map(fit_chunk, range(0, len(images), CHUNK_IMAGES)):
            options.report(done, len(images))
    return fitted
