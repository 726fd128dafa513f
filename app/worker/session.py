"""Generators on one device: loads published versions, and turns (seed, index, class) into pixels."""

import threading
import time
from collections.abc import Callable
from collections.abc import Generator as Steps
from dataclasses import replace
from typing import TypeVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.core.errors import ConfigurationError, DigestMismatchError, WorkerError
from app.core.logging import get_logger
from app.generators.base import Encoder, Generator, Network, put_channels_last
from app.generators.checkpoint import ENCODER, GENERATOR, load_encoder, load_generator
from app.generators.pixels import Pixels, from_pixels, to_pixels
from app.repository.manifest import ImageSpec, Manifest
from app.repository.store import ModelRepository
from app.schemas.jobs import EncodeImages, IndexRun, ModelLoaded, ModelRef, NumericsConfig, RefusedRun, SampleBatch
from app.worker.agreement import Agreed, Forward, choose_clock, keep_worthwhile, measure_agreement
from app.worker.augmenting import Executor, augment_batch, execute_on_cpu
from app.worker.failures import is_out_of_memory
from app.worker.golden import check_golden
from app.worker.halving import Halving
from app.worker.health import JUDGED, check_probes, judge
from app.worker.latents import draw_run_latents
from app.worker.residency import PartRef, Residency
from app.worker.rewriting import Rewritten, rewrite
from app.worker.tensors import TensorExecutor

Number = TypeVar("Number", bound=np.generic)

_PROBE_SEED = 0
_BATCH_OVERHEAD_S = 1e-3  # drawing latents, messages, turns of threads
_WORTHWHILE_GAIN = 0.15  # a larger batch holds more memory, and keeps others waiting for longer
_ENCODED_AT_ONCE = 16  # always, padded: what an image becomes does not depend on how many there are

_log = get_logger(__name__)


class Session:
    """What one device can compute.

    Args:
        repository: Where versions are read from.
        device: Where they are computed.
        slots: Pixel buffers, shape (slots, slot_bytes).
        batch_sizes: Padded sizes to try, ascending.
        residency_bytes: Weights that may be resident together.
        numerics: How generators are computed.
    """

    def __init__(
        self,
        repository: ModelRepository,
        *,
        device: torch.device,
        slots: NDArray[np.uint8],
        batch_sizes: tuple[int, ...],
        residency_bytes: int,
        numerics: NumericsConfig,
    ) -> None:
        self._repository = repository
        self._device = device
        self._slots = slots
        self._batch_sizes = batch_sizes
        self._residency = Residency(residency_bytes)
        self._numerics = numerics
        self._residency_lock = threading.Lock()
        self._halving = Halving(device)
        self._execute: Executor = execute_on_cpu if device.type == "cpu" else TensorExecutor(device)

    def load(self, model: ModelRef) -> Steps[None, None, ModelLoaded]:
        """Load a version, warm it up and find its padded sizes, in steps between which other work may be done.

        Raises:
            RepositoryError: If it is not what was published, or not for this build.
            ConfigurationError: If not even the smallest batch of it fits into a slot.
            OutOfDeviceMemoryError: If its weights do not fit, or not even the smallest batch.
            ModelUnhealthyError: If it does not compute what it should.
        """
        began = time.perf_counter()
        rewritten = self._rewritten(model)
        generator = rewritten.generator
        yield
        sizes = self._fitting_sizes(generator.image)
        run = IndexRun(_PROBE_SEED, 0, sizes[-1], 1.0)
        probes = self._bring_rows(draw_run_latents([run], generator.latent_dim, generator.latent_prior), sizes[-1])

        def forward(rows: Tensor) -> Tensor:
            labels = rows % generator.num_classes if generator.num_classes else None
            return self._forward(generator, probes[rows], labels)

        agreed = yield from self._find_sizes(forward, sizes)
        return ModelLoaded(
            model=model,
            batch_sizes=keep_worthwhile(agreed, overhead_s=_BATCH_OVERHEAD_S, gain=_WORTHWHILE_GAIN),
            num_parameters=sum(parameter.numel() for parameter in generator.parameters()),
            resident_bytes=_count_bytes(generator),
            load_s=time.perf_counter() - began,
            numerics=rewritten.numerics,
            differences=rewritten.differences,
            refused=rewritten.refused,
            golden=rewritten.golden,
        )

    def unload(self, model: ModelRef) -> None:
        """Forget a version."""
        with self._residency_lock:
            self._residency.drop(model)
        self._halving.forget(model)

    def sample(self, batch: SampleBatch) -> tuple[RefusedRun, ...]:
        """Compute a batch into its slot; a version that is not resident is loaded first.

        Returns:
            Runs whose samples cannot be augmented as they should be.

        Raises:
            RepositoryError: If the version has to be loaded and is not what was published.
            ModelUnhealthyError: If the generator makes what nobody should get.
            OutOfDeviceMemoryError: If there is no memory for the smallest size.
        """
        rewritten = self._rewritten(batch.model)
        generator = rewritten.generator
        latents = draw_run_latents(batch.runs, generator.latent_dim, generator.latent_prior)
        labels = np.frombuffer(batch.labels, dtype="<i4").astype(np.int64) if generator.num_classes else None

        def compute(rows: slice, size: int) -> Pixels:
            count = rows.stop - rows.start
            classes = None if labels is None else self._bring_rows(labels[rows], size)
            images = self._forward(generator, self._bring_rows(latents[rows], size), classes)
            pixels = to_pixels(images[: max(count, min(size, JUDGED))])
            if rewritten.is_network:
                judge(generator, images[:count], pixels, batch.runs)
            return pixels[:count]

        sizes = (batch.batch_size, *batch.smaller_sizes)
        pixels = self._halving.compute(batch.model, len(latents), sizes, compute)
        refused = augment_batch(batch, pixels, self._execute) if batch.policies else ()
        torch.from_numpy(self._slots[batch.slot, : pixels.numel()]).copy_(pixels.flatten())
        return refused

    def encode(self, job: EncodeImages) -> NDArray[np.float32]:
        """Find the latents of images: the means of their posteriors.

        Returns:
            Latents, shape (images, latent_dim).

        Raises:
            RepositoryError: If the version has no encoder, or is not what was published.
            WorkerError: If the encoder makes values that are not finite.
        """
        encoder = self._encoder(job.model)
        image = encoder.space.image
        pixels = np.frombuffer(job.pixels, dtype=np.uint8).reshape(-1, image.height, image.width, image.channels)
        labels = np.frombuffer(job.labels, dtype="<i4").astype(np.int64)
        parts = [
            self._encode_some(
                encoder, pixels[start : start + _ENCODED_AT_ONCE], labels[start : start + _ENCODED_AT_ONCE]
            )
            for start in range(0, len(pixels), _ENCODED_AT_ONCE)
        ]
        latents = np.concatenate(parts)
        if not np.isfinite(latents).all():
            raise WorkerError("the encoder made values that are not finite")
        return latents

    def _encode_some(
        self, encoder: Encoder, pixels: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        images = torch.from_numpy(_pad(pixels, _ENCODED_AT_ONCE)).to(self._device)
        classes = None
        if encoder.space.num_classes:
            classes = torch.from_numpy(_pad(labels, _ENCODED_AT_ONCE)).to(self._device)
        with torch.inference_mode():
            posterior = encoder(from_pixels(images), classes)
        latents: NDArray[np.float32] = posterior.mean[: len(pixels)].cpu().numpy()
        return latents

    def _rewritten(self, model: ModelRef) -> Rewritten:
        with self._residency_lock:
            place = PartRef(model, GENERATOR)
            kept = self._residency.find(place)
            return kept if isinstance(kept, Rewritten) else self._rewrite(model, place)

    def _rewrite(self, model: ModelRef, place: PartRef) -> Rewritten:
        manifest = self._find_manifest(model)
        rewritten = rewrite(self._bring(manifest, load_generator), self._numerics)
        for refusal in rewritten.refused:
            _log.warning("rewrite-refused", model=model.name, version=model.version, **msgspec.structs.asdict(refusal))
        if rewritten.is_network:
            check_probes(rewritten.probes)
        golden = check_golden(self._repository, manifest, rewritten.probes, rewritten.numerics)
        rewritten = replace(rewritten, probes=rewritten.probes[:0], golden=golden)
        self._residency.keep(place, rewritten, _count_bytes(rewritten.generator))
        return rewritten

    def _encoder(self, model: ModelRef) -> Encoder:
        with self._residency_lock:
            place = PartRef(model, ENCODER)
            kept = self._residency.find(place)
            if isinstance(kept, Encoder):
                return kept
            encoder = put_channels_last(self._bring(self._find_manifest(model), load_encoder))
            self._residency.keep(place, encoder, _count_bytes(encoder))
            return encoder

    def _find_manifest(self, model: ModelRef) -> Manifest:
        manifest = self._repository.read_manifest(model.name, model.version)
        if manifest.digest != model.digest:
            raise DigestMismatchError("the version is not the one that was verified")
        return manifest

    def _bring(self, manifest: Manifest, read: Callable[[Manifest, bytes], Network]) -> Network:
        """Read a network, and bring it to the device, where others make room for it."""
        network = read(manifest, self._repository.read_weights(manifest))
        self._residency.make_room(_count_bytes(network))
        return network.to(self._device)

    def _fitting_sizes(self, image: ImageSpec) -> tuple[int, ...]:
        slot_bytes = self._slots.shape[1]
        sizes = tuple(size for size in self._batch_sizes if size * image.num_bytes <= slot_bytes)
        if not sizes:
            smallest = self._batch_sizes[0]
            raise ConfigurationError(
                f"{smallest} samples need {smallest * image.num_bytes} bytes; worker.slot_bytes allows {slot_bytes}",
                limit=slot_bytes,
            )
        return sizes

    def _find_sizes(self, forward: Forward, sizes: tuple[int, ...]) -> Steps[None, None, list[Agreed]]:
        """Find the padded sizes that agree; without those for which there is no memory."""
        while True:
            try:
                rows = torch.arange(sizes[-1], device=self._device)
                return (yield from measure_agreement(forward, rows, sizes, choose_clock(self._device)))
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or len(sizes) == 1:
                    raise
            sizes = sizes[:-1]
            self._halving.free()

    def _bring_rows(self, rows: NDArray[Number], size: int) -> Tensor:
        return torch.from_numpy(_pad(rows, size)).to(self._device)

    @staticmethod
    def _forward(generator: Generator, latents: Tensor, labels: Tensor | None) -> Tensor:
        with torch.inference_mode():
            images: Tensor = generator(latents, labels)
        return images


def _pad(values: NDArray[Number], size: int) -> NDArray[Number]:
    """Add rows of zeros up to a size."""
    padded = np.zeros((size, *values.shape[1:]), dtype=values.dtype)
    padded[: len(values)] = values
    return padded


def _count_bytes(network: nn.Module) -> int:
    tensors = [*network.parameters(), *network.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
