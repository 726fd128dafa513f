"""Recording and replaying on a device that is pretended: a replay computes again, into the memory of the recording."""

import contextlib

import pytest
import torch

from app.generators.base import Generator
from app.worker.graphs import GraphedGenerator
from tests.factories import make_space


class StripedGenerator(Generator):
    """Images of one value each; notes how it is called."""

    def __init__(self, num_classes):
        super().__init__(make_space(num_classes=num_classes))
        self.calls = []

    def forward(self, latents, labels):
        images = latents[:, :1, None, None].expand(-1, 1, 8, 8).clone()
        if labels is not None:
            images += labels[:, None, None, None]
        self.calls.append((latents, labels, images))
        return images


class FakeStream:
    def wait_stream(self, _):
        pass


class FakeGraph:
    """Replays the last call before its recording ended."""

    def end(self, generator):
        self._latents, self._labels, self._images = generator.calls[-1]
        self._generator = generator

    def replay(self):
        self._images.copy_(self._generator(self._latents, self._labels))


@pytest.fixture
def pretend(monkeypatch):
    """Pretends that the calls of a generator happen on a GPU."""

    def use(generator):
        @contextlib.contextmanager
        def record(graph, pool):
            assert "pool" == pool
            yield
            graph.end(generator)

        monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: "pool")
        monkeypatch.setattr(torch.cuda, "Stream", FakeStream)
        monkeypatch.setattr(torch.cuda, "current_stream", FakeStream)
        monkeypatch.setattr(torch.cuda, "stream", lambda _: contextlib.nullcontext())
        monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
        monkeypatch.setattr(torch.cuda, "graph", record)
        return GraphedGenerator(generator)

    return use


@pytest.mark.parametrize("num_classes", [0, 3])
def test_a_replay_makes_the_images_of_its_own_latents_and_labels(pretend, num_classes):
    plain = StripedGenerator(num_classes)
    graphed = pretend(StripedGenerator(num_classes))

    for seed in range(3):
        latents = torch.randn(4, 8, generator=torch.Generator().manual_seed(seed))
        labels = torch.randint(3, (4,)) if num_classes else None
        assert torch.equal(plain(latents, labels), graphed(latents, labels))


def test_images_stay_when_the_next_are_made(pretend):
    graphed = pretend(StripedGenerator(0))
    first = graphed(torch.ones(4, 8), None)

    graphed(torch.zeros(4, 8), None)

    assert torch.equal(torch.ones(4, 1, 8, 8), first)


def test_each_batch_size_is_recorded_once(pretend):
    generator = StripedGenerator(0)
    graphed = pretend(generator)

    for size in (4, 2, 4, 2, 4):
        graphed(torch.zeros(size, 8), None)

    memory = {(len(latents), latents.data_ptr()) for latents, _, _ in generator.calls}
    assert [2, 4] == sorted(size for size, _ in memory)
