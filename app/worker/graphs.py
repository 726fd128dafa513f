"""Forward passes on a GPU, recorded once per batch size and replayed: the launches of all kernels cost as one."""

from dataclasses import dataclass

import torch
from torch import Tensor

from app.generators.base import Generator, Images, Labels, Latents

_WARM_UPS = 3  # libraries choose kernels and allocate workspaces at first calls, which cannot be recorded


@dataclass(frozen=True, slots=True)
class _Recording:
    """A graph and the memory that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    latents: Tensor
    labels: Tensor | None
    images: Tensor


class GraphedGenerator(Generator):
    """Records a generator at each batch size when it first comes; sizes are few, since batches are padded.

    Args:
        generator: On a GPU, in evaluation mode, without branches that depend on values.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__(generator.space)
        self.generator = generator
        self._recordings: dict[int, _Recording] = {}
        self._pool = torch.cuda.graph_pool_handle()
        self.eval()

    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """See ``Generator.forward``."""
        recording = self._recordings.get(len(latents))
        if recording is None:
            recording = self._record(latents, labels)
            self._recordings[len(latents)] = recording
        recording.latents.copy_(latents)
        if recording.labels is not None and labels is not None:
            recording.labels.copy_(labels)
        recording.graph.replay()
        return recording.images.clone()

    def _record(self, latents: Latents, labels: Labels | None) -> _Recording:
        held = latents.clone(), None if labels is None else labels.clone()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # untyped in torch
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self.generator(*held)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            images = self.generator(*held)
        return _Recording(graph, *held, images)
