"""What a run of the benchmark found, as it is kept in ``benchmarks/results/serving.json``."""

import datetime as dt
import statistics
from collections.abc import Iterable
from pathlib import Path

from machine import Machine
from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).parents[1] / "results" / "serving.json"
BULK_FILE = FILE.with_name("serving-bulk.json")
RELOAD_FILE = FILE.with_name("serving-reload.json")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Record):
    """Samples per second of plain loops, by variant and batch size."""

    round: int
    threads: int
    samples_per_second: dict[str, dict[str, float]]


class Start(_Record):
    """What a server costs before it is asked for anything."""

    round: int
    server: str
    setup: str
    start_s: float
    idle_cores: float
    memory_mib: float
    processes: int


class Measured(_Record):
    """What a group of connections got from a server in one round.

    CPU time is that of all the server's processes, per 1000 samples of all groups. ``foreign_cores`` is what others
    than the server and the load generator used meanwhile: above some hundredths the figure is disturbed.
    """

    round: int
    server: str
    setup: str
    load: str
    group: str
    samples_per_second: float
    p50_ms: float
    p99_ms: float
    first_byte_ms: float
    answers: int
    failures: dict[str, int] = Field(default_factory=dict)
    cpu_s_per_1000: float
    client_cores: float
    foreign_cores: float


class Document(_Record):
    """One run."""

    date: dt.date
    commit: str
    machine: Machine
    command: str
    model: str
    settings: dict[str, str]
    peers: dict[str, str]
    missing: list[str]
    seconds: float
    rounds: int
    limits: list[Limits]
    starts: list[Start]
    measured: list[Measured]


class Bulk(_Record):
    """What very long answers cost: an Arrow stream, and who asks beside it."""

    date: dt.date
    commit: str
    machine: Machine
    model: str
    settings: dict[str, str]
    num_samples: int
    first_batch_s: float
    seconds: float
    api_before_mib: float
    api_growth_mib: float
    small_p99_ms: float
    small_p99_ms_beside: float
    small_failed: int
    fast_per_s: float
    fast_per_s_beside_slow: float
    fast_failed: int


class Reloads(_Record):
    """What new versions cost those who ask meanwhile."""

    date: dt.date
    commit: str
    machine: Machine
    model: str
    settings: dict[str, str]
    reloads: int
    answers: int
    failed: int
    p99_ms_alone: float
    p99_ms: float
    memory_mib_before: float
    memory_mib_after: float


def read_reloads(path: Path = RELOAD_FILE) -> Reloads | None:
    """Read a kept result of reloads; None if there is none."""
    return Reloads.model_validate_json(path.read_bytes()) if path.exists() else None


def read_bulk(path: Path = BULK_FILE) -> Bulk | None:
    """Read a kept result of very long answers; None if there is none."""
    return Bulk.model_validate_json(path.read_bytes()) if path.exists() else None


def read_document(path: Path = FILE) -> Document:
    """Read a kept result."""
    return Document.model_validate_json(path.read_bytes())


def write_document(document: Document | Bulk | Reloads, path: Path = FILE) -> None:
    """Keep a result."""
    path.write_text(document.model_dump_json(indent=1) + "\n", "utf-8")


def limit_of_round(limits: Iterable[Limits], number: int) -> float:
    """Return the limit of a round: the fastest pair of variant and batch size, each the mean of its measurements."""
    rates: dict[tuple[str, str], list[float]] = {}
    for one in limits:
        if one.round == number:
            for variant, by_size in one.samples_per_second.items():
                for size, rate in by_size.items():
                    rates.setdefault((variant, size), []).append(rate)
    return max(statistics.mean(values) for values in rates.values())
