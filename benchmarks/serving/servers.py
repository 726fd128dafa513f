"""What is measured: Fount with its product features on, and other model servers around the same generator.

Each knows how it is started, how it is asked, and the least that a right answer holds.
"""

import dataclasses
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from app.api.keys import AccessScope, StoredKey, draw_key, hash_key, write_keys_file
from app.repository.manifest import ImageSpec, utc_now
from serving.load import OK, SEED_MARK, Request
from serving.sampling import Variant

BENCHMARKS = Path(__file__).parents[1]
ROOT = BENCHMARKS.parent
FOUNT = "Fount"
ALL_CORES = 0

Ask: TypeAlias = Callable[[int], Request]


@dataclasses.dataclass(frozen=True)
class Model:
    """The generator that all serve."""

    repository: str
    name: str
    image: ImageSpec
    about: str = ""


@dataclasses.dataclass(frozen=True)
class Target:
    """One server in one set-up.

    Attributes:
        name: Of the server.
        setup: What was done to the generator, and its threads; empty for Fount.
        command: Makes the command line for a port.
        ask: Makes the request for so many samples.
        bytes_per_sample: The least that an answer holds for each.
    """

    name: str
    setup: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str]
    ask: Ask
    bytes_per_sample: int

    @property
    def title(self) -> str:
        """Name and set-up."""
        return f"{self.name}, {self.setup}" if self.setup else self.name

    def is_ready(self, port: int) -> bool:
        """Ask for one sample; whether the answer is right."""
        return len(fetch(port, self.ask(1))) >= self.bytes_per_sample


@dataclasses.dataclass(frozen=True)
class Peer:
    """A server of others.

    Attributes:
        name: As its authors write it.
        module: File in ``serving.peers``.
        package: What has to be installed.
        ask: Makes the request for so many samples.
        bytes_factor: Of a sample in an answer, relative to its pixels.
        threads: Compute threads that did best in a sweep; the best of them counts. 0: one per core.
    """

    name: str
    module: str
    package: str
    ask: Ask
    bytes_factor: float = 1.0
    threads: Sequence[int] = (1, ALL_CORES)


def _ask_json(path: str) -> Ask:
    return lambda count: Request(path, json.dumps({"num_samples": count}).encode())


def _ask_bento(count: int) -> Request:
    return Request("/sample", json.dumps({"rows": [0] * count}).encode())


def _ask_triton(count: int) -> Request:
    """Ask by the Open Inference Protocol, version 2: rows and pixels as binary tensors."""
    rows = {"name": "rows", "shape": [count, 1], "datatype": "UINT8", "parameters": {"binary_data_size": count}}
    wanted = {"name": "pixels", "parameters": {"binary_data": True}}
    head = json.dumps({"inputs": [rows], "outputs": [wanted]}).encode()
    headers = (("Content-Type", "application/octet-stream"), ("Inference-Header-Content-Length", str(len(head))))
    return Request("/v2/models/sampler/infer", head + bytes(count), headers)


PEERS = (
    Peer("FastAPI, plain", "plain", "fastapi", _ask_json("/sample")),
    Peer("LitServe", "lit", "litserve", _ask_json("/predict")),
    Peer("BentoML", "bento", "bentoml", _ask_bento, bytes_factor=4 / 3, threads=(ALL_CORES,)),
    Peer("Ray Serve", "ray_serve", "ray", _ask_json("/"), threads=(1,)),
    Peer("PyTriton", "triton", "nvidia-pytriton", _ask_triton, threads=(ALL_CORES,)),
)


def find_peers(pythons: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Look where each peer is installed.

    Args:
        pythons: Interpreters, the first that has a peer counts.

    Returns:
        By name of the peer: interpreter and version. A peer that is nowhere is left out.
    """
    found: dict[str, tuple[str, str]] = {}
    for python in pythons:
        versions = _read_versions(python, [peer.package for peer in PEERS])
        for peer in PEERS:
            if versions.get(peer.package):
                found.setdefault(peer.name, (python, versions[peer.package]))
    return found


def _read_versions(python: str, packages: Sequence[str]) -> dict[str, str]:
    program = (
        "import importlib.metadata as m, json, sys\n"
        "def find(name):\n"
        "    try: return m.version(name)\n"
        "    except m.PackageNotFoundError: return ''\n"
        "print(json.dumps({name: find(name) for name in sys.argv[1:]}))"
    )
    done = subprocess.run([python, "-c", program, *packages], capture_output=True, check=True, text=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def list_peer_targets(
    model: Model, found: Mapping[str, tuple[str, str]], variants: Sequence[Variant], cores: int
) -> list[Target]:
    """Make every set-up of the peers that are installed."""
    return [
        _make_peer_target(peer, model, found[peer.name][0], variant, threads)
        for peer in PEERS
        if peer.name in found
        for variant in variants
        for threads in dict.fromkeys(number or cores for number in peer.threads)
    ]


def _make_peer_target(peer: Peer, model: Model, python: str, variant: Variant, threads: int) -> Target:
    def command(port: int) -> list[str]:
        options = ["--repository", model.repository, "--model", model.name]
        options += ["--variant", variant, "--threads", str(threads), "--port", str(port)]
        return [python, "-m", f"serving.peers.{peer.module}", *options]

    return Target(
        name=peer.name,
        setup=f"{variant}, {threads} {'thread' if threads == 1 else 'threads'}",
        command=command,
        environment={"PYTHONPATH": f"{BENCHMARKS}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": str(threads)},
        ask=peer.ask,
        bytes_per_sample=int(model.image.num_bytes * peer.bytes_factor),
    )


class Fount:
    """The service as it is delivered: a key is needed, bodies are validated, metrics counted.

    Args:
        model: What it serves.
        folder: For its keys file.
        settings: Further settings, as environment variables.

    Attributes:
        key: That it knows.
    """

    def __init__(self, model: Model, folder: Path, settings: Mapping[str, str]) -> None:
        self._model = model
        self.key = draw_key()
        keys_file = folder / "keys.json"
        entry = StoredKey(
            id="bench", sha256=hash_key(self.key), scopes=list(AccessScope), created=utc_now(), note="benchmark"
        )
        write_keys_file(keys_file, [entry])
        self._environment = {"FOUNT_KEYS_FILE": str(keys_file), **settings}

    def target(self) -> Target:
        """Describe it as one of the servers."""
        return Target(
            name=FOUNT,
            setup="",
            command=self._command,
            environment=self._environment,
            ask=self.ask,
            bytes_per_sample=self._model.image.num_bytes,
        )

    def ask(
        self, num_samples: int, *, sample_format: str = "npy", is_seeded: bool = False, model: str | None = None
    ) -> Request:
        """Ask for samples; with ``is_seeded`` every request gets a seed of its own."""
        body: dict[str, Any] = {"model": model or self._model.name, "num_samples": num_samples, "format": sample_format}
        content = json.dumps(body | ({"seed": int(SEED_MARK)} if is_seeded else {})).encode()
        headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {self.key}"))
        return Request("/v1/samples", content, headers)

    def _command(self, port: int) -> list[str]:
        return [sys.executable, "-m", "app", "serve", "--port", str(port), "--repository", self._model.repository]


def fetch(port: int, request: Request, timeout_s: float = 30.0) -> bytes:
    """Ask once; empty bytes where there is no answer, or it is not 200."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{request.path}", request.body, dict(request.headers), method=request.method
    )
    try:
        with urllib.request.urlopen(asked, timeout=timeout_s) as answer:  # noqa: S310 - as above
            content: bytes = answer.read()
            return content if answer.status == OK else b""
    except OSError:
        return b""
