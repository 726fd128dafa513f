"""A hundred thousand samples, asked for by 32 callers in pieces of any size while workers are killed: none differs."""

import concurrent.futures
import contextlib
import io
import os
import queue
import random
import signal
import threading

import numpy as np
import pytest

from tests.factories import publish_tiny_model
from tests.rig.server import find_worker, serve

CALLERS = 32
SEEDS = range(4)
SAMPLES_PER_SEED = 25_000
KILLS = 3
BETWEEN_KILLS_S = 1.0
SIZES = (1, 2, 3, 16, 17, 63, 64, 65, 300, 1000)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    publish_tiny_model(path, height=8, width=8)
    return path


def ask(client, seed, first_index, num_samples, sample_format="npy"):
    body = {"model": "tiny", "seed": seed, "first_index": first_index, "num_samples": num_samples}
    response = client.post("/v1/samples", json=body | {"format": sample_format})
    assert 200 == response.status_code, response.text
    content = np.load(io.BytesIO(response.content))
    return content["images"] if sample_format == "npz" else content


def cut(shuffler):
    """Cut all samples into pieces of odd sizes, in any order."""
    pieces = []
    for seed in SEEDS:
        first = 0
        while first < SAMPLES_PER_SEED:
            count = min(shuffler.choice(SIZES), SAMPLES_PER_SEED - first)
            pieces.append((seed, first, count))
            first += count
    shuffler.shuffle(pieces)
    return pieces


def kill_workers(service, is_over):
    """Kill one worker after the other; returns how many."""
    killed = set()
    while len(killed) < KILLS and not is_over.wait(BETWEEN_KILLS_S):
        worker = find_worker(service)
        if worker not in killed:
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
    return len(killed)


def collect(service, pieces, is_over):
    """Ask for all pieces; returns the samples, and how many workers were killed meanwhile."""
    images = np.zeros((len(SEEDS), SAMPLES_PER_SEED, 8, 8, 1), dtype=np.uint8)
    clients = queue.SimpleQueue()

    def fetch(piece):
        client = clients.get()
        seed, first, count = piece
        images[seed, first : first + count] = ask(client, *piece, random.choice(["npy", "npz"]))
        clients.put(client)

    with contextlib.ExitStack() as stack:
        for _ in range(CALLERS):
            clients.put(stack.enter_context(service.open_client()))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(CALLERS + 1))
        killer = pool.submit(kill_workers, service, is_over)
        list(pool.map(fetch, pieces))
        is_over.set()
        return images, killer.result()


def test_no_sample_differs_whoever_asks_and_whatever_dies(root):
    with serve(root) as service, service.open_client() as client:
        expected = np.stack([ask(client, seed, 0, SAMPLES_PER_SEED) for seed in SEEDS])
    with serve(root, "--threads", "2") as service:
        found, killed = collect(service, cut(random.Random(7)), threading.Event())

    assert 1 <= killed <= KILLS
    assert 100_000 == expected[..., 0, 0, 0].size
    assert 0 == (expected != found).any(axis=(2, 3, 4)).sum()
    assert len(np.unique(expected.reshape(-1, 64), axis=0)) > SAMPLES_PER_SEED
