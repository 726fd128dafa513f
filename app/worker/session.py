"""Generators on one device: loads published versions, and turns (seed, index, class) into pixels."""

import time
from collections.abc import Generator as Steps
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.core.errors import ConfigurationError, DigestMismatchError, WorkerError
from app.generators.base import Generator, put_channels_last
from app.generators.checkpoint import load_generator
from app.generators.pixels import to_pixels
from app.repository.manifest import ImageSpec
from app.repository.store import ModelRepository
from app.schemas.jobs import IndexRun, ModelLoaded, ModelRef, Run, SampleBatch
from app.worker.agreement import measure_agreement
from app.worker.latents import draw_run_latents
from app.worker.residency import Residency

_PROBE_SEED = 0


class Session:
    """What one device can compute.

    Args:
        repository: Where versions are read from.
        device: Where they are computed.
        slots: Pixel buffers, shape (slots, slot_bytes).
        batch_sizes: Padded sizes to try, ascending.
        residency_bytes: Weights that may be resident together.
    """

    def __init__(
        self,
        repository: ModelRepository,
        *,
        device: torch.device,
        slots: NDArray[np.uint8],
        batch_sizes: tuple[int, ...],
        residency_bytes: int,
    ) -> None:
        self._repository = repository
        self._device = device
        self._slots = slots
        self._batch_sizes = batch_sizes
        self._residency = Residency(residency_bytes)

    def load(self, model: ModelRef) -> Steps[None, None, ModelLoaded]:
        """Load a version, warm it up and find its padded sizes, in steps between which other work may be done.

        Raises:
            RepositoryError: If it is not what was published, or not for this build.
            ConfigurationError: If not even the smallest batch of it fits into a slot.
            OutOfDeviceMemoryError: If its weights do not fit.
            WorkerError: If it does not compute what it should.
        """
        began = time.perf_counter()
        generator = self._resident(model)
        yield
        sizes = self._fitting_sizes(generator.image)
        probes = self._latents([IndexRun(_PROBE_SEED, 0, sizes[-1], 1.0)], sizes[-1], generator)

        def forward(rows: Tensor) -> Tensor:
            labels = rows % generator.num_classes if generator.num_classes else None
            return self._forward(generator, probes[rows], labels)

        agreed = yield from measure_agreement(forward, torch.arange(sizes[-1], device=self._device), sizes)
        return ModelLoaded(
            model=model,
            batch_sizes=agreed,
            num_parameters=sum(parameter.numel() for parameter in generator.parameters()),
            resident_bytes=_count_bytes(generator),
            load_s=time.perf_counter() - began,
        )

    def unload(self, model: ModelRef) -> None:
        """Forget a version."""
        self._residency.drop(model)

    def sample(self, batch: SampleBatch) -> None:
        """Compute a batch into its slot; a version that is not resident is loaded first.

        Raises:
            RepositoryError: If the version has to be loaded and is not what was published.
            WorkerError: If the generator makes values that are not finite.
        """
        generator = self._resident(batch.model)
        num_samples = sum(run.count for run in batch.runs)
        latents = self._latents(batch.runs, batch.batch_size, generator)
        labels = self._labels(batch, generator)
        images = self._forward(generator, latents, labels)[:num_samples]
        if not torch.isfinite(images.sum()):
            raise WorkerError("the generator made values that are not finite")
        pixels = to_pixels(images).cpu().numpy()
        self._slots[batch.slot, : pixels.size].reshape(pixels.shape)[...] = pixels

    def _resident(self, model: ModelRef) -> Generator:
        generator = self._residency.find(model)
        if generator is None:
            generator = self._read(model)
            num_bytes = _count_bytes(generator)
            self._residency.make_room(num_bytes)
            generator = put_channels_last(generator.to(self._device))
            self._residency.keep(model, generator, num_bytes)
        return generator

    def _read(self, model: ModelRef) -> Generator:
        manifest = self._repository.read_manifest(model.name, model.version)
        if manifest.digest != model.digest:
            raise DigestMismatchError("the version is not the one that was verified")
        return load_generator(manifest, self._repository.read_weights(manifest))

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

    def _latents(self, runs: Sequence[Run], size: int, generator: Generator) -> Tensor:
        padded = np.zeros((size, generator.latent_dim), dtype=np.float32)
        drawn = draw_run_latents(runs, generator.latent_dim, generator.latent_prior)
        padded[: len(drawn)] = drawn
        return torch.from_numpy(padded).to(self._device)

    def _labels(self, batch: SampleBatch, generator: Generator) -> Tensor | None:
        if not generator.num_classes:
            return None
        padded = np.zeros(batch.batch_size, dtype=np.int64)
        labels = np.frombuffer(batch.labels, dtype="<i4")
        padded[: labels.size] = labels
        return torch.from_numpy(padded).to(self._device)

    @staticmethod
    def _forward(generator: Generator, latents: Tensor, labels: Tensor | None) -> Tensor:
        with torch.inference_mode():
            images: Tensor = generator(latents, labels)
        return images


def _count_bytes(generator: Generator) -> int:
    tensors = [*generator.parameters(), *generator.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
