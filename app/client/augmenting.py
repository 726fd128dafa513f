"""The operation that augments images."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.client.augmented import Augmented, read_augmented
from app.client.exchange import Answer, Memory, Operation, Request
from app.client.order import Policy, write_policy
from app.client.sampling import Picture, list_pictures, write_form

_BATCH_DIMS = 4


def augment(
    _memory: Memory,
    images: "Picture | Sequence[Picture] | NDArray[Any]",
    policy: Policy,
    *,
    copies: int = 1,
    first_copy: int = 0,
    seed: int | None = None,
    masks: "Sequence[Picture] | None" = None,
    targets: Sequence[Mapping[str, Any]] | None = None,
) -> Operation[Augmented]:
    """Ask for augmented copies of images.

    Args:
        images: Paths, bytes of files or pixels of one or several images; or an array (n, h, w, c) of uint8, uint16 or
            float32, which comes back as it is, without loss, where all outputs have one size.
        policy: Name of a preset, or a policy.
        copies: Outputs of each image.
        first_copy: Number of the first copy, for more of the same later.
        seed: Same images, policy and seed, same outputs; without one, the service draws one.
        masks: One for each image; moved as the pixels are.
        targets: Boxes, keypoints and labels of each image, as the service takes them.

    Raises:
        FountError: If the service refuses, or does not answer.
    """
    is_batch = getattr(images, "ndim", 0) == _BATCH_DIMS and masks is None
    document: dict[str, Any] = {
        "policy": write_policy(policy),
        "copies": copies,
        "first_copy": first_copy,
        "format": "npz" if is_batch else "zip",
    }
    if seed is not None:
        document["seed"] = seed
    if targets is not None:
        document["targets"] = [dict(one) for one in targets]
    files = [_write_array(np.asarray(images))] if is_batch else list_pictures(images)
    form = write_form(files, document, [] if masks is None else list_pictures(masks))
    answer: Answer = yield Request("POST", "/v1/augmentations", files=form)
    return read_augmented(answer.body, int(answer.headers["fount-seed"]))


def _write_array(batch: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, batch, allow_pickle=False)
    return file.getvalue()
