"""Answers as the service writes them, from a transport that has no network."""

import json

import httpx
import numpy as np
import pytest

from app.imaging.formats.contents import ArrayShape, Contents
from app.imaging.formats.places import Consecutive
from app.imaging.formats.safetensors import SafetensorsWriter
from app.imaging.mark import Origin

NAMES = ["a", "b", "7"]
SHAPE = (4, 6, 1)


def make_images(indices):
    """Every pixel of a sample is its index."""
    return np.stack([np.full(SHAPE, index % 256, np.uint8) for index in indices])


def write_tensors(first_index, labels, seed, model="tiny", **how):
    """Write an answer in the format `safetensors`."""
    count = len(labels)
    origin = Origin(model, 2, "d" * 64, seed, how=how)
    contents = Contents(
        places=Consecutive(origin, first_index, count),
        shape=ArrayShape(count, *SHAPE),
        class_names=NAMES,
        labels_at=lambda offset, n: np.array(labels[offset : offset + n]),
        dump_manifest=lambda: b"",
    )
    writer = SafetensorsWriter(contents)
    images = make_images(range(first_index, first_index + count))
    return b"".join([*writer.begin(), writer.add(0, images, None), *writer.finish()])


class FakeService:
    """Answers for samples of `tiny@2`, whose sample i shows i; counts what it is asked.

    Attributes:
        asked: Bodies of the requests for samples.
        faults: What happens to the next requests: an answer or an error each, None for none.
        cut_at: Where the next answers are broken off, in bytes.
    """

    def __init__(self):
        self.asked = []
        self.requests = []
        self.faults = []
        self.cut_at = []

    def __call__(self, request):
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        if request.method == "GET":
            return self.describe(request.url.path)
        return self.answer(json.loads(request.content))

    def describe(self, path):
        if path == "/v1/models/tiny":
            return httpx.Response(200, json={"default_version": 2})
        image = dict(zip(("height", "width", "channels"), SHAPE, strict=True))
        return httpx.Response(200, json={"version": 2, "manifest": {"class_names": NAMES, "image": image}})

    def answer(self, body):
        self.asked.append(body)
        first, seed = body.get("first_index", 0), body.get("seed", 11)
        if "class_counts" in body:
            counts = {NAMES.index(name): count for name, count in body["class_counts"].items()}
            labels = [number for number in sorted(counts) for _ in range(counts[number])]
        else:
            chosen = body.get("class_label")
            labels = [
                index % 3 if chosen is None else NAMES.index(chosen)
                for index in range(first, first + body["num_samples"])
            ]
        data = write_tensors(first, labels, seed)
        if self.cut_at:
            return httpx.Response(200, stream=Broken(data[: self.cut_at.pop(0)]))
        return httpx.Response(200, stream=Pieces(data))


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces of odd sizes."""

    def __init__(self, data):
        self.data = data

    def __iter__(self):
        yield from (self.data[at : at + 77] for at in range(0, len(self.data), 77))

    async def __aiter__(self):
        for piece in self:
            yield piece


class Broken(Pieces):
    """A body that breaks off."""

    def __iter__(self):
        yield from super().__iter__()
        raise httpx.RemoteProtocolError("peer closed connection")


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def transport(service):
    return httpx.MockTransport(service)


@pytest.fixture
def images_of():
    return make_images


@pytest.fixture
def tensors():
    return write_tensors
