"""The figures of quality that a manifest holds, and when one version is worse than another by them."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.core.seeds import SEED_LIMIT
from app.repository.manifest import ClassName, Identifier, Manifest, Sha256, ShortText

SCHEMA: Final = "fount-evaluation/1"
MAX_CLASSES = 1000  # more are left out of the per-class figures: a manifest is small

# A promotion looks at these; the others are shown. Precision and the Inception Score reward collapse, density has no
# bound, and worst-class FID rests on a tenth of the images.
WATCHED = frozenset({"fid", "cas", "coverage", "recall", "label_agreement", "label_agreement_worst", "reverse_kl"})
COPYING_BELOW = 0.9  # a memorisation ratio under this counts as worse, too
TOLERANCE = 0.02  # of the value, on either side, where a figure has no interval

_READING_ORDER = (
    *(
        "fid",
        "fid_balanced",
        "cas",
        "coverage",
        "recall",
        "precision",
        "density",
        "kid",
        "inception_score",
        "label_agreement",
    ),
    *("label_agreement_worst", "fid_per_class_mean", "fid_per_class_worst", "memorisation", "modes", "reverse_kl"),
    *("reconstruction_mse", "inception_fid", "inception_kid", "inception_inception_score"),
)
_THROUGH_INCEPTION = frozenset({"inception_fid", "inception_kid", "inception_inception_score"})

_COUNT_AND_SPLIT = re.compile(r"_\d+k?(_test|_train)?$")

Figure: TypeAlias = Annotated[float, Field(ge=-1e12, le=1e12)]
Winner: TypeAlias = Literal["first", "second"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Metric(_Strict):
    """One figure.

    Attributes:
        value: The figure.
        interval: Where it lies in 95 of 100 repetitions, as far as its own noise is known.
        floor: The same figure of real images in the place of generated ones: what can be reached.
        better: Which way is up.
    """

    value: Figure
    interval: tuple[Figure, Figure] | None = None
    floor: Figure | None = None
    better: Literal["lower", "higher"]

    @model_validator(mode="after")
    def _check_interval(self) -> "Metric":
        if self.interval is not None and self.interval[0] > self.interval[1]:
            raise ValueError("an interval goes from low to high")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval; without one, ``TOLERANCE`` to both sides of the value."""
        margin = abs(self.value) * TOLERANCE
        return self.interval or (self.value - margin, self.value + margin)


class ReferenceInfo(_Strict):
    """The real images that a generator was compared with."""

    name: ShortText
    split: Literal["train", "test"]
    sha256: Sha256
    num_images: int = Field(ge=1, le=10**12)


class JudgeInfo(_Strict):
    """The classifier that looked at the images; ``accuracy`` is its own, on real images that it was not trained on."""

    description: ShortText
    accuracy: float = Field(ge=0, le=1)
    sha256: Sha256


class InceptionInfo(_Strict):
    """The Inception network that looked at the images, by the digest of the file of its weights."""

    sha256: Sha256


class EvaluationRecord(_Strict):
    """All figures of one evaluation, with everything that they depend on.

    Attributes:
        class_shares: How often each class was asked for behind the figures of all images together: as often as any
            other, or as often as the real images have it.
    """

    schema_: Literal["fount-evaluation/1"] = Field(SCHEMA, alias="schema")
    protocol: Literal["quick", "full"]
    num_samples: int = Field(ge=1, le=10**9)
    seed: int = Field(ge=0, lt=SEED_LIMIT)
    class_shares: Literal["equal", "reference"] = "equal"
    reference: ReferenceInfo
    judge: JudgeInfo
    inception: InceptionInfo | None = None
    metrics: dict[Identifier, Metric] = Field(max_length=64)
    per_class: dict[Identifier, Annotated[dict[ClassName, Figure], Field(max_length=MAX_CLASSES)]] = Field(
        default_factory=dict, max_length=8
    )
    wall_seconds: float = Field(ge=0, le=10**9)


class Comparison(NamedTuple):
    """One figure of two records; ``winner`` is set when the intervals do not touch."""

    name: str
    first: Metric
    second: Metric
    winner: Winner | None


def dump_evaluation(record: EvaluationRecord) -> dict[str, Any]:
    """Return a record as ``Manifest.evaluation`` holds it."""
    return record.model_dump(mode="json", by_alias=True, exclude_none=True)


def read_evaluation(manifest: Manifest) -> EvaluationRecord | None:
    """Return the record of a version; None when it has none, or none that this build can read."""
    if not manifest.evaluation:
        return None
    try:
        return EvaluationRecord.model_validate_json(json.dumps(manifest.evaluation))
    except ValidationError:
        return None


def sort_metrics(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Return figures in the order to read them: the telling ones first."""
    order = {family: place for place, family in enumerate(_READING_ORDER)}
    names = sorted(metrics, key=lambda name: (order.get(name_family(name), len(order)), name))
    return {name: metrics[name] for name in names}


def find_obstacle(first: EvaluationRecord, second: EvaluationRecord) -> str | None:
    """Say why the figures of two records cannot be held against each other; None when they can."""
    if first.protocol != second.protocol:
        return f"one was evaluated by the {first.protocol} protocol, the other by the {second.protocol} one"
    if first.class_shares != second.class_shares:
        return "one was asked for all classes alike, the other for as many of each as the real images have"
    if first.reference.sha256 != second.reference.sha256:
        return "they were compared with different real images"
    if first.judge.sha256 != second.judge.sha256:
        return "different judges looked at them"
    return None


def compare_records(first: EvaluationRecord, second: EvaluationRecord) -> list[Comparison]:
    """Hold every figure that both records have against each other, whatever ``find_obstacle`` says.

    Figures through the Inception network are left out where its weights were others.
    """
    shared = [name for name in sort_metrics(first.metrics) if name in second.metrics]
    if first.inception != second.inception:
        shared = [name for name in shared if name_family(name) not in _THROUGH_INCEPTION]
    return [_compare(name, first.metrics[name], second.metrics[name]) for name in shared]


def is_worse(candidate: EvaluationRecord, incumbent: EvaluationRecord) -> list[str]:
    """List the figures by which a candidate is worse than what it would replace, beyond the intervals of both.

    Only figures that a promotion should depend on are looked at: FID, CAS, coverage, recall, label agreement and
    reverse KL, and memorisation where it warns of copies.

    Returns:
        One sentence per figure; nothing when there is none, or when the records are not comparable.
    """
    if find_obstacle(candidate, incumbent):
        return []
    lost = [row for row in compare_records(candidate, incumbent) if row.winner == "second" and _is_watched(row)]
    return [f"{row.name} is {describe_metric(row.first)} against {describe_metric(row.second)}" for row in lost]


def describe_metric(metric: Metric) -> str:
    """Write a figure with its interval: ``2.58 (2.41 to 2.75)``."""
    value = format_figure(metric.value)
    if metric.interval is None:
        return value
    return f"{value} ({' to '.join(map(format_figure, metric.interval))})"


def format_figure(value: float) -> str:
    """Write a figure with four digits that count, never as a power of ten."""
    if abs(value) >= 1000:  # noqa: PLR2004 - from here on, digits after the point say nothing
        return f"{value:,.0f}"
    if value != 0 and abs(value) < 0.01:  # noqa: PLR2004 - from here on, four places are not four digits
        return f"{value:.6f}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}"


def name_family(name: str) -> str:
    """Return a metric's name without sample count and reference: ``fid`` for ``fid_10k_test``."""
    return _COUNT_AND_SPLIT.sub("", name)


def _compare(name: str, first: Metric, second: Metric) -> Comparison:
    (first_low, first_high), (second_low, second_high) = first.bounds, second.bounds
    winner: Winner | None = None
    if first_high < second_low:
        winner = "first" if first.better == "lower" else "second"
    elif second_high < first_low:
        winner = "second" if first.better == "lower" else "first"
    return Comparison(name, first, second, winner)


def _is_watched(row: Comparison) -> bool:
    family = name_family(row.name)
    return family in WATCHED or (family == "memorisation" and row.first.value < COPYING_BELOW)
