"""Batches of real images: every image once per epoch, in an order that follows from the seed."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from app.data.dataset import ImageDataset
from app.training.batching.sampling_order import BalancedOrder
from app.training.compute.lanes import Lanes
from app.training.randomness import create_generator


class BatchSource:
    """Serves the batch of any step directly: there is no position to save.

    Args:
        dataset: Images in memory, uint8.
        batch_size: Images per batch, of all lanes together; batches run across the ends of epochs.
        seed: Of the run.
        mirror: Flip half of the images left to right.
        balanced: Show every class equally often.
        lanes: Each takes its share of every batch.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        *,
        batch_size: int,
        seed: int,
        mirror: bool = False,
        balanced: bool = False,
        lanes: Lanes | None = None,
    ) -> None:
        self.dataset = dataset
        self._lanes = lanes or Lanes()
        self._images = torch.from_numpy(dataset.images)
        self._labels = torch.from_numpy(dataset.labels)
        self._batch_size = batch_size
        self._seed = seed
        self._mirror = mirror
        self._balanced = BalancedOrder(dataset.labels, seed) if balanced else None
        self._orders: dict[int, Tensor] = {}

    def batch(self, step: int) -> tuple[Float[Tensor, "batch channels height width"], Int[Tensor, " batch"]]:
        """Return the images of a step in [-1, 1], channels last in memory, and their labels."""
        chosen = self._lanes.share(self._chosen(step))
        pixels = self._images[chosen]
        if self._mirror:
            source = create_generator(self._seed, "mirror", step)
            flips = self._lanes.share(torch.rand(self._batch_size, generator=source) < 0.5)  # noqa: PLR2004 - half of them
            pixels = torch.where(flips[:, None, None, None], pixels.flip(2), pixels)
        images = pixels.permute(0, 3, 1, 2).float().mul_(1 / 127.5).sub_(1.0)
        return images.contiguous(memory_format=torch.channels_last), self._labels[chosen]

    def _chosen(self, step: int) -> Tensor:
        if self._balanced:
            return self._balanced.indices(step * self._batch_size, self._batch_size)
        size = len(self._images)
        position, end = step * self._batch_size, (step + 1) * self._batch_size
        parts = []
        while position < end:
            epoch, offset = divmod(position, size)
            part = self._order(epoch)[offset : offset + end - position]
            parts.append(part)
            position += len(part)
        return torch.cat(parts)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            self._orders = {key: order for key, order in self._orders.items() if key >= epoch - 1}
            generator = create_generator(self._seed, "order", epoch)
            self._orders[epoch] = torch.randperm(len(self._images), generator=generator)
        return self._orders[epoch]
