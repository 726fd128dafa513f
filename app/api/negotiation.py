"""Which format an answer has: the ``format`` field, else ``Accept``, else PNG for one sample and ZIP for more."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from app.core.errors import NotAcceptableError
from app.imaging.formats.registry import FORMATS
from app.schemas.samples import SampleFormat

_FOR_ONE = {name: one.media_type for name, one in FORMATS.items()}
_FOR_MORE = {name: one.media_type for name, one in FORMATS.items() if not one.holds_one}

Choice = TypeVar("Choice", bound=str)

MAX_RANGES = 64
_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Range:
    kind: str
    subtype: str
    quality: float

    def specificity(self, media_type: str) -> int:
        """Return how closely this range names a type: 0 not at all, 3 exactly."""
        kind, _, subtype = media_type.partition("/")
        if self.kind == "*":
            return 1
        if self.kind != kind:
            return 0
        return {"*": 2, subtype: 3}.get(self.subtype, 0)


_ANYTHING = [_Range("*", "*", 1.0)]


def choose_format(field: SampleFormat | None, accept: str | None, num_samples: int) -> SampleFormat:
    """Choose the format of an answer.

    Args:
        field: The ``format`` field of the request; goes before everything.
        accept: The ``Accept`` header, None if there is none.
        num_samples: How many samples the answer holds.

    Raises:
        NotAcceptableError: If ``accept`` takes none of the types; ``media_types`` lists them.
    """
    if field is not None:
        return field
    return choose_by_accept(accept, _FOR_ONE if num_samples == 1 else _FOR_MORE)


def choose_by_accept(accept: str | None, candidates: Mapping[Choice, str]) -> Choice:
    """Choose among formats by their media types; the first of those that are taken equally well.

    Args:
        accept: The ``Accept`` header, None if there is none.
        candidates: Formats with their types.

    Raises:
        NotAcceptableError: If ``accept`` takes none of the types; ``media_types`` lists them.
    """
    ranges = _parse_accept(accept) if accept else _ANYTHING
    qualities = {candidate: _quality(ranges, media_type) for candidate, media_type in candidates.items()}
    best = max(candidates, key=qualities.__getitem__)
    if not qualities[best]:
        known = list(dict.fromkeys(candidates.values()))
        raise NotAcceptableError("none of the media types in `Accept` can be sent", media_types=known)
    return best


def _parse_accept(text: str) -> list[_Range]:
    ranges = []
    for part in text.split(",")[:MAX_RANGES]:
        media_range, *parameters = part.split(";")
        kind, _, subtype = media_range.strip().lower().partition("/")
        matches = [match for match in map(_QUALITY.fullmatch, parameters) if match]
        ranges.append(_Range(kind, subtype, float(matches[-1][1]) if matches else 1.0))
    return ranges


def _quality(ranges: list[_Range], media_type: str) -> float:
    """Return the quality of the range that names a type most closely."""
    closest = max(ranges, key=lambda one: one.specificity(media_type))
    return closest.quality if closest.specificity(media_type) else 0.0
