"""Which samples are asked for, and any range of them: a part of a request has the samples that the whole has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypedDict

from app.client.errors import InvalidRequestError

Have: TypeAlias = Mapping[str, Any]
Policy: TypeAlias = Mapping[str, Any] | str
"""A policy as the service takes it, or the name of a preset."""

Segment: TypeAlias = tuple[str | None, int]
"""A class name, None where the order does not count classes, and how many samples have it."""


class SampleValues(TypedDict, total=False):
    """What a request for samples may have beside the model, as ``Client.sample`` explains."""

    num_samples: int | None
    class_counts: Mapping[str, int] | None
    balance: Have | None
    class_label: str | int | None
    seed: int | None
    first_index: int | None
    truncation: float | None
    augment: Policy | None


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """What ``POST /v1/samples`` is asked for; the meaning of each value is the service's.

    Attributes:
        model: ``name``, ``name@3`` or ``name@alias``.
        num_samples: How many samples.
        class_counts: How many of each class instead, by name or number.
        balance: What there is of each class instead: ``{"have": {...}, "to": "max"}``.
        class_label: Class of all samples; goes with ``num_samples``.
        seed: Same seed, same samples; None lets the service draw one.
        first_index: Number of the first sample; None where the service may choose it.
        truncation: Factor on the latents; 1 is the model as trained.
        augment: Policy of the samples; None for none.
    """

    model: str
    num_samples: int | None = None
    class_counts: Mapping[str, int] | None = None
    balance: Have | None = None
    class_label: str | int | None = None
    seed: int | None = None
    first_index: int | None = None
    truncation: float | None = None
    augment: Policy | None = None

    def document(self, sample_format: str) -> dict[str, Any]:
        """Write the request's body; what was not given stays out of it."""
        counts = None if self.class_counts is None else {str(name): n for name, n in self.class_counts.items()}
        given = {
            "model": self.model,
            "num_samples": self.num_samples,
            "class_counts": counts,
            "balance": _write_balance(self.balance),
            "class_label": self.class_label,
            "seed": self.seed,
            "first_index": self.first_index,
            "truncation": self.truncation,
            "augment": write_policy(self.augment),
            "format": sample_format,
        }
        return {name: value for name, value in given.items() if value is not None}

    def segments(self, class_names: Sequence[str]) -> list[Segment]:
        """List classes in the order of their samples, which is that of their numbers.

        Args:
            class_names: Of the version that is asked.

        Raises:
            InvalidRequestError: If a class does not exist, or it is not said how many samples there are.
        """
        given = [self.num_samples is not None, self.class_counts is not None, self.balance is not None]
        if sum(given) != 1:
            raise InvalidRequestError("give exactly one of num_samples, class_counts and balance")
        if self.num_samples is not None:
            return [(None, self.num_samples)]
        counts = self.class_counts if self.class_counts is not None else _missing(self.balance or {})
        numbered = {find_class(name, class_names): count for name, count in counts.items()}
        return [(class_names[number], count) for number, count in sorted(numbered.items()) if count]

    def part(self, segments: Sequence[Segment], start: int, stop: int) -> "SampleOrder":
        """Return the order of samples ``start`` to ``stop - 1`` of this one, which has a seed.

        Args:
            segments: Of this order.
            start: First sample, counted from 0.
            stop: Behind the last sample; more than ``start``.
        """
        first_index = (self.first_index or 0) + start
        if segments[0][0] is None:
            return replace(self, num_samples=stop - start, first_index=first_index)
        counts: dict[str, int] = {}
        offset = 0
        for name, count in segments:
            inside = min(stop, offset + count) - max(start, offset)
            if inside > 0:
                counts[str(name)] = inside
            offset += count
        return replace(self, class_counts=counts, balance=None, first_index=first_index)


def find_class(label: str | int, class_names: Sequence[str]) -> int:
    """Find a class by its name, else by its number.

    Raises:
        InvalidRequestError: If there is none.
    """
    if label in class_names:
        return class_names.index(str(label))
    text = str(label)
    if text.isascii() and text.isdigit() and int(text) < len(class_names):
        return int(text)
    raise InvalidRequestError(
        f"the model has no such class; its classes are {', '.join(class_names) or 'none'}",
        code="unknown-class",
        fields={"class_names": list(class_names)},
    )


def write_policy(policy: Policy | None) -> dict[str, Any] | None:
    """Write a policy as the service takes it."""
    if policy is None:
        return None
    return {"preset": policy} if isinstance(policy, str) else dict(policy)


def _write_balance(balance: Have | None) -> dict[str, Any] | None:
    if balance is None:
        return None
    asked = dict(balance) if "have" in balance else {"have": dict(balance)}
    return asked | {"have": {str(name): count for name, count in asked["have"].items()}}


def _missing(balance: Have) -> dict[str, int]:
    asked = _write_balance(balance) or {}
    have: dict[str, int] = asked["have"]
    target = asked.get("to", "max")
    size = max(have.values()) if target == "max" else int(target)
    return {name: max(0, size - count) for name, count in have.items()}
