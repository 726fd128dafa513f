"""From a valid request to a plan: which seed, which indices, which classes, and whether that is allowed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from app.core.errors import InvalidInputError, LimitExceededError, UnknownLabelError
from app.core.seeds import INDEX_LIMIT, draw_seed
from app.core.settings import LimitSettings
from app.imaging.formats.registry import FORMATS
from app.imaging.grid import MAX_SHEET_BYTES, sheet_bytes
from app.repository.manifest import ImageSpec
from app.schemas.samples import Balance, SampleBlock, SampleFormat
from app.serving.plan import SamplePlan

MAX_LISTED_CLASSES = 20

TakeNext: TypeAlias = Callable[[int], tuple[int, int]]


def count_samples(request: SampleBlock, class_names: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """Count what is asked for.

    Args:
        request: The request.
        class_names: Classes of the model, in order; empty for an unconditional one.

    Returns:
        The number of samples, and pairs of class index and number where the request counts by class.

    Raises:
        UnknownLabelError: If a class does not exist.
        InvalidInputError: If a class is counted twice, or nothing is asked for.
    """
    if request.num_samples is not None:
        return request.num_samples, []
    if request.balance is not None:
        pointer, asked = "/balance/have", _missing_counts(request.balance)
    else:
        pointer, asked = "/class_counts", dict(request.class_counts or {})
    counts = _resolve_counts(asked, class_names, pointer)
    total = sum(count for _, count in counts)
    if total == 0:
        raise InvalidInputError("the counts add up to no sample at all", pointer=pointer.removesuffix("/have"))
    return total, counts


def plan_samples(
    request: SampleBlock,
    class_names: Sequence[str],
    total: int,
    counts: Sequence[tuple[int, int]],
    take_next: TakeNext,
) -> SamplePlan:
    """Choose seed and indices, and fix how each sample gets its class.

    Args:
        request: The request.
        class_names: Classes of the model.
        total: Number of samples, from ``count_samples``.
        counts: Counts by class, from ``count_samples``.
        take_next: Gives seed and first index of so many samples that nobody else gets.

    Raises:
        UnknownLabelError: If the class does not exist.
        LimitExceededError: If indices would leave their range.
    """
    if request.first_index > INDEX_LIMIT - total:
        raise LimitExceededError("indices must stay below 2**63", pointer="/first_index", limit=INDEX_LIMIT - total)
    label = find_label(request, class_names)
    seed, first_index = _choose_seed(request, total, take_next)
    common: dict[str, Any] = {
        "seed": seed,
        "first_index": first_index,
        "num_classes": len(class_names),
        "truncation": request.truncation,
    }
    if counts:
        return SamplePlan.of_counts(counts, **common)
    if label is not None:
        return SamplePlan.of_class(label, num_samples=total, **common)
    return SamplePlan.drawn(num_samples=total, **common)


def is_exchangeable(request: SampleBlock) -> bool:
    """Tell whether any samples of the model, or of one class of it, will do as they were made."""
    is_fixed = request.seed is not None or "first_index" in request.model_fields_set or request.augment is not None
    return not is_fixed and request.num_samples is not None and request.truncation == 1.0


def find_label(request: SampleBlock, class_names: Sequence[str]) -> int | None:
    """Find the class of all samples; None where each draws its own, or counts say how many of each.

    Raises:
        UnknownLabelError: If there is none.
    """
    return None if request.class_label is None else find_class(request.class_label, class_names)


def find_class(label: str | int, class_names: Sequence[str], pointer: str = "/class_label") -> int:
    """Find a class by its name, else by its number.

    Raises:
        UnknownLabelError: If there is none; ``class_names`` lists some that there are.
    """
    if isinstance(label, str) and label in class_names:
        return class_names.index(label)
    return _find_number(label, class_names, pointer)


def check_limits(total: int, image_format: SampleFormat, image: ImageSpec, limits: LimitSettings) -> None:
    """Refuse what one answer of this format may not hold.

    Raises:
        InvalidInputError: If the format holds one sample only.
        LimitExceededError: If there are more samples than allowed.
    """
    if FORMATS[image_format].holds_one and total != 1:
        others = ", ".join(f"`{name}`" for name, one in FORMATS.items() if not one.holds_one)
        raise InvalidInputError(f"this format holds one sample; those that hold more are {others}", pointer="/format")
    by_format = {
        SampleFormat.JSON: limits.samples_per_json,
        SampleFormat.GRID: limits.samples_per_grid,
    }
    limit = min(limits.samples_per_request, by_format.get(image_format, limits.samples_per_request))
    if total > limit:
        raise LimitExceededError(f"one `{image_format}` answer holds at most {limit} samples", limit=limit)
    if image_format is SampleFormat.GRID:
        _check_sheet(total, image)


def _check_sheet(total: int, image: ImageSpec) -> None:
    size = sheet_bytes(total, image.height, image.width, image.channels)
    if size > MAX_SHEET_BYTES:
        fits = max(1, total * MAX_SHEET_BYTES // size)
        raise LimitExceededError(f"a sheet of this model's images holds about {fits} samples", limit=fits)


def _choose_seed(request: SampleBlock, total: int, take_next: TakeNext) -> tuple[int, int]:
    if request.seed is not None:
        return request.seed, request.first_index
    if "first_index" in request.model_fields_set:
        return draw_seed(), request.first_index
    return take_next(total)


def _missing_counts(balance: Balance) -> Mapping[str, int]:
    target = max(balance.have.values()) if balance.to == "max" else balance.to
    return {name: max(0, target - count) for name, count in balance.have.items()}


def _resolve_counts(asked: Mapping[str, int], class_names: Sequence[str], pointer: str) -> list[tuple[int, int]]:
    numbers = {name: number for number, name in enumerate(class_names)}
    counts: dict[int, int] = {}
    for label, count in asked.items():
        known = numbers.get(label)
        number = _find_number(label, class_names, pointer) if known is None else known
        if number in counts:
            raise InvalidInputError("a class is counted twice, by name and by number", pointer=pointer)
        counts[number] = count
    return sorted(counts.items())


def _find_number(label: str | int, class_names: Sequence[str], pointer: str) -> int:
    """Read a class number as we write them: ASCII digits, no sign, no leading zero."""
    if not class_names:
        raise UnknownLabelError("this model has no classes", pointer=pointer)
    number = label if isinstance(label, int) else _parse_number(label)
    if number is None or number >= len(class_names):
        listed = list(class_names[:MAX_LISTED_CLASSES])
        more = f" and {len(class_names) - len(listed)} more" if len(class_names) > len(listed) else ""
        raise UnknownLabelError(
            f"the model has no such class; its classes are {', '.join(listed)}{more}, or their numbers from 0",
            pointer=pointer,
            class_names=listed,
        )
    return number


def _parse_number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= len("99999") and (text == "0" or text[0] != "0")
    return int(text) if is_number else None
