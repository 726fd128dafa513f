"""The golden record of a version: the contact sheet that it was published with, against what is computed here."""

import io

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image

from app.core.errors import ModelUnhealthyError
from app.core.logging import get_logger
from app.generators.pixels import Pixels
from app.generators.sheet import count_cells, sheet_columns
from app.imaging.grid import cut_sheet
from app.imaging.reading import read_png
from app.repository.manifest import GRID_FILE, Manifest
from app.repository.store import ModelRepository
from app.schemas.jobs import BFLOAT16
from app.worker.differences import LOW_PRECISION, ROUNDING, Bound, compare_pixels
from app.worker.probes import choose_probes

MAX_SHEET_PIXELS = 2**25

EQUAL = Bound(0, 0.0)
"""For pictures that no network makes: drawn by the same libraries, they are the same."""

COARSE = Bound(LOW_PRECISION.largest + ROUNDING.largest, LOW_PRECISION.mean + ROUNDING.mean)
"""For products in bfloat16 here, or perhaps in TensorFloat-32 where the sheet was drawn."""

_DRAWING_LIBRARIES = ("numpy", "pillow")
_NO_DEVICE = "none"

_log = get_logger(__name__)


def check_golden(repository: ModelRepository, manifest: Manifest, probes: Pixels, numerics: str) -> str:
    """Compare the probes of a version with its contact sheet.

    Args:
        repository: Where the sheet is.
        manifest: Of the version.
        probes: What ``draw_probes`` gave for the network as it will be computed.
        numerics: Its precision and rewrites.

    Returns:
        What was found, in words.

    Raises:
        RepositoryError: If the sheet is not the one that was published.
        ModelUnhealthyError: If the samples are not those that were published.
    """
    bound = choose_bound(manifest, numerics)
    if bound is None:
        return "not compared: drawn by other libraries than are installed here"
    if GRID_FILE not in manifest.files:
        return f"not compared: it was published without {GRID_FILE}"
    golden = read_cells(repository.read_listed(manifest, GRID_FILE), manifest)
    if golden is None:
        return f"not compared: {GRID_FILE} is no sheet that this build reads"
    found = compare_pixels(torch.from_numpy(golden), probes[: len(golden)])
    reason = bound.explain(found)
    if reason is not None:
        raise ModelUnhealthyError(f"golden samples differ by up to {found.largest} grey levels: {reason}")
    if not found.largest:
        return f"{len(golden)} samples equal to the bit"
    _log.info("golden-rounded", model=manifest.name, version=manifest.version, largest=found.largest, mean=found.mean)
    return f"{len(golden)} samples within {found.largest} grey levels"


def choose_bound(manifest: Manifest, numerics: str) -> Bound | None:
    """Return how far samples may be from the published ones; None where nothing can be said.

    Networks are allowed one grey level even on the build and device that published them: training lays memory out in
    its own way and computes with its own number of threads, and a value on the edge may fall to either side.
    """
    training = manifest.training
    if training.device == _NO_DEVICE:
        here = {"numpy": np.__version__, "pillow": PIL.__version__}
        return EQUAL if all(training.versions.get(name) == here[name] for name in _DRAWING_LIBRARIES) else None
    is_coarse = BFLOAT16 in numerics or not training.device.startswith("cpu")
    return COARSE if is_coarse else ROUNDING


def read_cells(png: bytes, manifest: Manifest) -> NDArray[np.uint8] | None:
    """Cut the golden samples out of a contact sheet.

    Returns:
        Pixels, shape (n, height, width, channels), in the order of the probes; None if this is no sheet of that model.
    """
    image, num_classes = manifest.image, manifest.num_classes
    sheet = _decode(png, image.channels)
    if sheet is None:
        return None
    numbers = choose_probes(num_classes)
    return cut_sheet(
        sheet,
        numbers.indices[: numbers.num_golden].tolist(),
        num_images=count_cells(num_classes),
        image=(image.height, image.width),
        columns=sheet_columns(num_classes),
    )


def _decode(png: bytes, channels: int) -> NDArray[np.uint8] | None:
    facts = read_png(png)
    if facts is None or facts.width * facts.height > MAX_SHEET_PIXELS:
        return None
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as file:
            pixels = np.array(file) if file.mode == ("L" if channels == 1 else "RGB") else None
    except (OSError, SyntaxError, ValueError):
        return None
    return None if pixels is None else pixels.reshape(*pixels.shape[:2], channels)
