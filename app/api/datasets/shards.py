"""One shard: samples of any blocks in the order of the file, as an order like any other."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.api.augmenting import name_numerics
from app.api.datasets.dataset import Dataset
from app.imaging.formats.contents import NO_CLASS, Contents
from app.imaging.formats.places import Scattered
from app.imaging.formats.registry import name_encoding
from app.imaging.mark import Origin
from app.schemas.jobs import ModelRef
from app.schemas.samples import SampleFormat
from app.serving.admission import Terms
from app.serving.engine import Engine
from app.serving.merging import MergedStream
from app.serving.plan import Labels
from app.serving.rows import RowsPlan, choose_rows
from app.serving.stream import SampleStream


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """The samples of one shard; an order of ``answer_order``. Costs some 50 bytes per sample.

    Attributes:
        dataset: What it is of.
        number: Number of the shard.
        sample_format: How it is sent.
        blocks: Blocks that it has samples of.
        plans: Its samples of each of these.
        sources: Number in ``blocks`` of each sample, in the order of the file, shape (n,).
        labels: Class of each, -1 for none, shape (n,); None if no model has classes.
        places: What each sample is called, and made from.
    """

    dataset: Dataset
    number: int
    sample_format: SampleFormat
    blocks: list[int]
    plans: list[RowsPlan]
    sources: NDArray[np.int64]
    labels: Labels | None
    places: Scattered

    @property
    def num_samples(self) -> int:
        """How many samples the shard has."""
        return len(self.sources)

    @property
    def contents(self) -> Contents:
        """What the file holds."""
        return Contents(
            places=self.places,
            shape=self.dataset.shape(self.num_samples),
            class_names=self.dataset.class_names,
            labels_at=self._labels_at,
            dump_manifest=bytes,
        )

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers say of its samples."""
        return describe_shard(self.dataset, self.number)

    @property
    def file_name(self) -> str:
        """What a browser saves the shard as."""
        return f"{self.dataset.shard_name(self.number)}.{self.sample_format}"

    def submit(self, engine: Engine, terms: Terms) -> MergedStream:
        """Have the samples computed, behind what people wait for."""
        streams: list[SampleStream] = []
        try:
            for block, plan in zip(self.blocks, self.plans, strict=True):
                streams.append(engine.submit(self.dataset.versions[block], plan, interactive=False, terms=terms))
        except Exception:
            for stream in streams:
                stream.cancel()
            raise
        return MergedStream(streams, self.sources, self.labels)

    def numerics(self, engine: Engine) -> str | None:
        """Say what the versions of the dataset are computed with; see ``numerics_of``."""
        return numerics_of(self.dataset, engine)

    def tally(self, offset: int, count: int) -> Iterator[tuple[ModelRef, int]]:
        """Count some of the samples by version."""
        counts = np.bincount(self.sources[offset : offset + count], minlength=len(self.blocks))
        for block, num_samples in zip(self.blocks, counts.tolist(), strict=True):
            yield self.dataset.versions[block].ref, num_samples

    def _labels_at(self, offset: int, count: int) -> Labels | None:
        return None if self.labels is None else self.labels[offset : offset + count]


def describe_shard(dataset: Dataset, number: int) -> dict[str, str]:
    """Write the headers of a shard; nothing is computed for them."""
    place = dataset.assignment.locate(number)
    return {"Fount-Split": dataset.recipe.splits[place.split].name, "Fount-Num-Samples": str(place.num_samples)}


def numerics_of(dataset: Dataset, engine: Engine) -> str | None:
    """Name what the samples of a dataset are computed with, each once; None while a version is not loaded."""
    known = [engine.numerics(version) for version in dataset.versions]
    return name_numerics(None if None in known else ", ".join(dict.fromkeys(filter(None, known))), *dataset.plans)


def tag_shard(dataset: Dataset, number: int, sample_format: SampleFormat, numerics: str) -> str:
    """Derive the entity tag of a shard from all that its bytes are a function of; nothing is computed for it."""
    digests = [plan.policy.digest for plan in dataset.plans if plan.policy is not None]
    facts = [dataset.token, number, sample_format, numerics, name_encoding(sample_format), *digests]
    return f'"{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]}"'


def plan_shard(dataset: Dataset, number: int, sample_format: SampleFormat) -> Shard:
    """List the samples of a shard; takes about a millisecond per thousand."""
    positions = dataset.assignment.positions(number)
    ends = np.cumsum([plan.num_samples for plan in dataset.plans])
    block_of = np.searchsorted(ends, positions, side="right")
    blocks, sources = np.unique(block_of, return_inverse=True)
    rows = np.empty(len(positions), dtype=np.int64)
    labels = np.full(len(positions), NO_CLASS, dtype=np.int32)
    plans = []
    for source, block in enumerate(blocks.tolist()):
        whole = dataset.plans[block]
        wanted = np.flatnonzero(sources == source)
        plan = choose_rows(whole, positions[wanted] - (ends[block] - whole.num_samples))
        rows[wanted] = plan.indices
        if plan.classes is not None:
            labels[wanted] = dataset.class_numbers[block][plan.classes]
        plans.append(plan)
    places = Scattered(
        origins=[_origin(dataset, block) for block in blocks.tolist()],
        numbers=positions,
        rows=rows,
        sources=sources,
        last_number=dataset.recipe.num_samples - 1,
        facts={"dataset": dataset.token, "shard": number},
    )
    has_classes = bool(dataset.class_names)
    return Shard(
        dataset, number, sample_format, blocks.tolist(), plans, sources, labels if has_classes else None, places
    )


def _origin(dataset: Dataset, block: int) -> Origin:
    ref, plan = dataset.versions[block].ref, dataset.plans[block]
    return Origin(ref.name, ref.version, ref.digest, plan.seed, plan.truncation, plan.how)
