"""Messages between the API process and the worker: msgpack, one tagged object per frame; pixels go by shared memory.

This file is all that the two processes share. A change of a field is a change of both sides in one commit: they are
always started from the same build.
"""

from typing import Any, TypeAlias

import msgspec


class ModelRef(msgspec.Struct, frozen=True):
    """One published version: where it is and what its bytes must be."""

    name: str
    version: int
    digest: str


class NumericsConfig(msgspec.Struct, frozen=True):
    """How generators are computed, as far as pixels may show it: the settings of the worker of the same names."""

    precision: str = "float32"
    fold_batch_norm: bool = True
    channels_last: bool = True
    cuda_graphs: bool = True


BFLOAT16 = "bfloat16"
BFLOAT16_LARGEST = 24
BFLOAT16_MEAN = 0.5
"""How far bfloat16 may move 8-bit values, in grey levels: any one, and on average."""


class WorkerConfig(msgspec.Struct, frozen=True, tag="config"):
    """First message to a worker.

    ``lanes`` batches are computed at once on a CPU, and share its ``threads``; a GPU has one lane. ``slots`` pixel
    buffers of ``slot_bytes`` each lie one after the other in the shared memory file.
    """

    repository_url: str
    device: str
    threads: int
    lanes: int
    batch_sizes: tuple[int, ...]
    residency_bytes: int
    slots: int
    slot_bytes: int
    log_level: str
    log_format: str
    numerics: NumericsConfig = NumericsConfig()


class LoadModel(msgspec.Struct, frozen=True, tag="load"):
    """Load, check and warm up a version."""

    model: ModelRef


class UnloadModel(msgspec.Struct, frozen=True, tag="unload"):
    """Forget a version; batches that were sent before this message are still computed."""

    model: ModelRef


class IndexRun(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """Consecutive samples of one seed: indices ``first_index`` to ``first_index + count - 1``."""

    seed: int
    first_index: int
    count: int
    truncation: float


class RowsRun(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Any samples of one seed; ``indices`` are int64, little-endian."""

    seed: int
    indices: bytes
    count: int
    truncation: float


class PathRun(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Consecutive frames of a path between two samples: ``first_frame`` to ``first_frame + count - 1``.

    Frame 0 of ``num_frames`` has the latents of the first sample, the last frame those of the second.
    """

    from_seed: int
    from_index: int
    to_seed: int
    to_index: int
    num_frames: int
    first_frame: int
    count: int
    is_spherical: bool
    truncation: float


class VariationRun(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Consecutive variations of consecutive images: ``copies`` of each, image by image.

    ``latents`` are those of the images that the run has variations of, from number ``first_image`` on: float32,
    little-endian, one row after the other. Copies have the numbers ``first_copy`` to ``first_copy + copies - 1``; the
    run begins with number ``skip`` of these. ``strength`` is the share of new latents in [0, 1]: 0 is the image as the
    model knows it, 1 any sample. New latents are those of ``seed``, of the number of the image and of the copy's.
    """

    latents: bytes
    seed: int
    first_image: int
    first_copy: int
    copies: int
    skip: int
    count: int
    strength: float
    truncation: float = 1.0


Run: TypeAlias = IndexRun | RowsRun | PathRun | VariationRun
"""Samples that lie one after the other in a batch."""


class SampleBatch(msgspec.Struct, frozen=True, tag="batch"):
    """Compute samples and write their pixels to a slot: uint8, NHWC, runs one after the other from the slot's start.

    ``labels`` is int32 little-endian, one per sample, empty for an unconditional model. ``batch_size`` is the padded
    size to compute at; it is at least the number of samples. ``policies`` say how each run is augmented: operations as
    a JSON array, empty for a run that is not; there are none where no run is. ``smaller_sizes``, descending, make the
    same samples where there is no memory for ``batch_size``.
    """

    batch_id: int
    model: ModelRef
    slot: int
    batch_size: int
    runs: tuple[Run, ...]
    labels: bytes
    policies: tuple[bytes, ...] = ()
    smaller_sizes: tuple[int, ...] = ()


class EncodeImages(msgspec.Struct, frozen=True, tag="encode"):
    """Find the latents of images: uint8, NHWC, of the size of the version. ``labels`` as in ``SampleBatch``."""

    job_id: int
    model: ModelRef
    pixels: bytes
    labels: bytes


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Ask for a sign of life."""

    number: int


class Shutdown(msgspec.Struct, frozen=True, tag="shutdown"):
    """Finish the batches already sent, then exit with status 0."""


class WorkerReady(msgspec.Struct, frozen=True, tag="ready"):
    """First message from a worker: it has its device and takes work.

    ``lanes`` is how many batches it computes at once. ``numerics`` names what may change pixels of all versions:
    library version, device kind, instruction set.
    """

    pid: int
    device: str
    threads: int
    lanes: int
    numerics: str


class PixelDifferences(msgspec.Struct, frozen=True):
    """How far 8-bit values are from those of the network as it was published, in grey levels.

    ``counts`` are of values that differ by 0, by 1, by 2, and by more.
    """

    counts: tuple[int, int, int, int]
    largest: int
    mean: float


class RefusedRewrite(msgspec.Struct, frozen=True):
    """A faster form of a generator that was asked for and is not used; ``name`` is that of the setting."""

    name: str
    reason: str


class ModelLoaded(msgspec.Struct, frozen=True, tag="loaded"):
    """A version is resident and warm.

    ``batch_sizes`` are the padded sizes, ascending, at which its samples were found bit-equal. ``numerics`` names the
    precision and the rewrites in force, ``differences`` what they do to pixels; None without any. ``golden`` says how
    its samples compare with those that it was published with.
    """

    model: ModelRef
    batch_sizes: tuple[int, ...]
    num_parameters: int
    resident_bytes: int
    load_s: float
    numerics: str = "float32"
    differences: PixelDifferences | None = None
    refused: tuple[RefusedRewrite, ...] = ()
    golden: str = "not compared"


class ModelFailed(msgspec.Struct, frozen=True, tag="failed"):
    """A version cannot be served; code and fields as in ``app.core.errors``."""

    model: ModelRef
    code: str
    detail: str
    fields: dict[str, Any]  # FieldValue; msgspec cannot tell two kinds of list apart


class BatchStarted(msgspec.Struct, frozen=True, tag="started"):
    """The device begins with this batch: if the worker dies now, this batch is the suspect."""

    batch_id: int


class RefusedRun(msgspec.Struct, frozen=True):
    """A run of a batch whose samples cannot be augmented; the others are not touched by that."""

    number: int
    code: str
    detail: str
    fields: dict[str, Any]  # FieldValue; msgspec cannot tell two kinds of list apart


class BatchDone(msgspec.Struct, frozen=True, tag="done"):
    """The pixels of a batch lie in its slot."""

    batch_id: int
    device_s: float
    refused: tuple[RefusedRun, ...] = ()


class BatchFailed(msgspec.Struct, frozen=True, tag="batch_failed"):
    """A batch raised; the worker lives on."""

    batch_id: int
    code: str
    detail: str
    fields: dict[str, Any]  # FieldValue; msgspec cannot tell two kinds of list apart


class ImagesEncoded(msgspec.Struct, frozen=True, tag="encoded"):
    """The latents of images: float32, little-endian, one row after the other."""

    job_id: int
    latents: bytes
    device_s: float


class EncodingFailed(msgspec.Struct, frozen=True, tag="encoding_failed"):
    """Images could not be encoded; the worker lives on."""

    job_id: int
    code: str
    detail: str
    fields: dict[str, Any]  # FieldValue; msgspec cannot tell two kinds of list apart


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answer to ``Ping``."""

    number: int


ToWorker: TypeAlias = WorkerConfig | LoadModel | UnloadModel | SampleBatch | EncodeImages | Ping | Shutdown
FromWorker: TypeAlias = (
    WorkerReady
    | ModelLoaded
    | ModelFailed
    | BatchStarted
    | BatchDone
    | BatchFailed
    | ImagesEncoded
    | EncodingFailed
    | Pong
)
