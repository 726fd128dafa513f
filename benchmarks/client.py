"""Reads the same samples from a running service as bare bytes, and through each way of the client, by turns.

Usage: ``python benchmarks/client.py --url http://127.0.0.1:8000 --model mnist-gan -n 20000 --rounds 5``. In each round
every way reads samples of its own, in an order that changes; the table has the median of each, and its share of the
bare reader's in the same round. What is read is computed on the same machine, so shares count, not rates.
"""

import argparse
import itertools
import json
import socket
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import torch
from torch.utils.data import DataLoader

from app.client import Client, SyntheticDataset

BATCH_SIZE = 512
BYTES_AT_ONCE = 1 << 18


def read_bare(url: str, model: str, num_samples: int, seed: int) -> int:
    """Read an answer by a socket and throw it away: as fast as anybody can; returns its bytes."""
    body = json.dumps({"model": model, "num_samples": num_samples, "seed": seed, "format": "safetensors"}).encode()
    address = urlsplit(url)
    head = (
        f"POST /v1/samples HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    room, total = bytearray(BYTES_AT_ONCE), 0
    with socket.create_connection((address.hostname or "", address.port or 80)) as connection:
        connection.sendall(head.encode() + body)
        while count := connection.recv_into(room):
            total += count
    return total


def read_whole(url: str, model: str, num_samples: int, seed: int) -> int:
    """Read by ``Client.sample``; returns the samples."""
    with Client(url) as client:
        return len(client.sample(model, num_samples=num_samples, seed=seed))


def read_stream(url: str, model: str, num_samples: int, seed: int) -> int:
    """Read by ``Client.stream``; returns the samples."""
    with Client(url) as client:
        stream = client.stream(model, num_samples=num_samples, seed=seed, batch_size=BATCH_SIZE)
        return sum(len(batch) for batch in stream)


def read_batches(url: str, model: str, num_samples: int, seed: int) -> int:
    """Read tensors from a dataset that yields batches; returns the samples."""
    dataset = SyntheticDataset(url, model, num_samples=num_samples, seed=seed, batch_size=BATCH_SIZE)
    return sum(len(images) for images, _ in DataLoader(dataset, batch_size=None))


def read_loader(url: str, model: str, num_samples: int, seed: int, workers: int = 0) -> int:
    """Read tensors from a dataset that yields samples, which a loader puts together; returns the samples."""
    dataset = SyntheticDataset(url, model, num_samples=num_samples, seed=seed)
    return sum(len(images) for images, _ in DataLoader(dataset, batch_size=BATCH_SIZE, num_workers=workers))


def read_by_workers(url: str, model: str, num_samples: int, seed: int) -> int:
    """Read tensors by two workers of a loader; returns the samples."""
    return read_loader(url, model, num_samples, seed, workers=2)


WAYS: dict[str, Callable[[str, str, int, int], int]] = {
    "bare bytes": read_bare,
    "Client.sample": read_whole,
    "Client.stream": read_stream,
    "SyntheticDataset, batches": read_batches,
    "SyntheticDataset, samples": read_loader,
    "SyntheticDataset, 2 workers": read_by_workers,
}


def main() -> None:
    """Read by turns, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="mnist-gan")
    parser.add_argument("-n", "--num-samples", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    orders = itertools.cycle([list(WAYS), list(reversed(WAYS))])
    seeds = itertools.count(1)
    read_bare(chosen.url, chosen.model, chosen.num_samples, next(seeds))
    for _ in range(chosen.rounds):
        for name in next(orders):
            begin = time.perf_counter()
            WAYS[name](chosen.url, chosen.model, chosen.num_samples, next(seeds))
            rates[name].append(chosen.num_samples / (time.perf_counter() - begin))
    print("| way | samples/s, median | share of bare bytes, median |")
    print("|---|---|---|")
    for name, seen in rates.items():
        shares = [rate / bare for rate, bare in zip(seen, rates["bare bytes"], strict=True)]
        print(f"| {name} | {statistics.median(seen):,.0f} | {statistics.median(shares):.2f} |")


if __name__ == "__main__":
    main()
