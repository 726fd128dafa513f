"""Ten thousand outputs, hashed: however they are cut into calls, by threads, in another process, and from traces."""

import concurrent.futures
import hashlib
import json
import random
import subprocess
import sys

import numpy as np
import pytest

from app.augmentation.cpu import render
from app.augmentation.engine import Source, augment
from app.augmentation.frames import frames_of
from app.augmentation.orders import Order
from app.augmentation.presets import find
from app.augmentation.traces import Trace, dump_trace, replay

PICTURES, COPIES, SIDE, SEED = 625, 16, 24, 11
OUTPUTS = PICTURES * COPIES
NODES = [*find("strong").ops, *find("light").ops]
THREADS = 16
REPLAYED = 7  # every so manieth


def make_sources():
    pixels = np.random.default_rng(3).integers(0, 256, (PICTURES, SIDE, SIDE, 3), np.uint8)
    return [Source(picture, number * 2**40 + 1) for number, picture in enumerate(pixels)]


def hash_outputs(sources, copies=COPIES, first_copy=0):
    order = Order(NODES, SEED, copies, first_copy)
    return [hashlib.sha256(output.pixels.tobytes()).digest() for output in augment(sources, order)]


@pytest.fixture(scope="module")
def sources():
    return make_sources()


@pytest.fixture(scope="module")
def expected(sources):
    hashes = hash_outputs(sources)
    assert OUTPUTS == len(set(hashes))
    return hashes


def test_any_batches_have_the_same_outputs(sources, expected):
    cuts, found = random.Random(5), []
    while len(found) < OUTPUTS:
        start = len(found) // COPIES
        found += hash_outputs(sources[start : start + cuts.randint(1, 64)])

    assert expected == found


def test_any_copies_are_the_same_alone(sources, expected):
    found = [None] * OUTPUTS
    for first, copies in ((0, 1), (1, 4), (5, 11)):
        for place, digest in enumerate(hash_outputs(sources, copies, first)):
            found[place // copies * COPIES + first + place % copies] = digest

    assert expected == found


def test_threads_have_the_same_outputs(sources, expected):
    starts = list(range(0, PICTURES, 5))
    random.Random(6).shuffle(starts)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        parts = dict(zip(starts, pool.map(lambda start: hash_outputs(sources[start : start + 5]), starts), strict=True))

    assert expected == [digest for start in sorted(parts) for digest in parts[start]]


def test_another_process_has_the_same_outputs(expected):
    program = "import tests.process.test_augmentation_identity as t; print(t.digest_all())"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=200)

    assert hashlib.sha256(b"".join(expected)).hexdigest() == answer.stdout.strip()


def test_traces_have_the_same_outputs(sources, expected):
    outputs = list(augment(sources, Order(NODES, SEED, COPIES)))
    for place, output in list(enumerate(outputs))[::REPLAYED]:
        trace = Trace.model_validate_json(json.dumps({"steps": dump_trace(output.plan, output.row)}))
        pixels = sources[output.source].pixels
        [plan] = replay([trace], frames_of(pixels, 1), 2**20)
        [again] = render(plan, [pixels], None)
        assert expected[place] == hashlib.sha256(again.tobytes()).digest()


def digest_all():
    return hashlib.sha256(b"".join(hash_outputs(make_sources()))).hexdigest()
