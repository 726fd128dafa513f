"""From a request for inference to an order of samples."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import cast

from app.api.answers import Order
from app.api.dialects.asking import ask_for_samples
from app.api.dialects.inference.asked import IMAGES, PNG, Asked
from app.api.ordering import make_order
from app.api.planning import find_class
from app.api.services import Services
from app.core.errors import InvalidInputError, LimitExceededError
from app.schemas.samples import SampleFormat
from app.serving.admission import Terms
from app.serving.catalog import ServedVersion
from app.serving.plan import SamplePlan

MAX_JSON_NUMBERS = 2**22
"""Pixels of one answer that are written as JSON: some 16 MiB."""

_NAMES = {"num_samples": "n"}


def is_whole(asked: Asked) -> bool:
    """Tell whether an answer must be held whole: its head says how long files are, or JSON is in it."""
    return any(not output.is_binary or output.name == PNG for output in asked.outputs)


def plan_inference(asked: Asked, version: ServedVersion, services: Services, terms: Terms) -> Order:
    """Plan the samples of a request.

    Raises:
        InvalidInputError: If a value is out of range, or labels are not as many as samples.
        UnknownLabelError: If a class does not exist.
        LimitExceededError: If it is more than one answer may hold.
    """
    labels = _find_labels(asked, version.manifest.class_names)
    count = asked.numbers.get("num_samples", len(labels) or 1)
    if len(labels) > 1 and len(labels) != count:
        raise InvalidInputError("give one class for all samples, or one for each", pointer="/labels")
    label = labels[0] if len(set(labels)) == 1 else None
    request = ask_for_samples(version, _NAMES, **{**asked.numbers, "num_samples": count}, class_label=label)
    chosen = SampleFormat.JSON if is_whole(asked) else SampleFormat.NPY
    is_mixed = len(set(labels)) > 1
    order = make_order(request, version, chosen, services, None if is_mixed else terms)
    _check_json(asked, order)
    return replace(order, plan=_assign(cast("SamplePlan", order.plan), labels)) if is_mixed else order


def _find_labels(asked: Asked, class_names: Sequence[str]) -> list[int]:
    # A negative number is no class; as a text it is refused like any other that is none.
    texts = [label if isinstance(label, str) or label >= 0 else str(label) for label in asked.labels]
    return [find_class(label, class_names, "/labels") for label in texts]


def _assign(plan: SamplePlan, labels: Sequence[int]) -> SamplePlan:
    """Give each sample its class."""
    order, ends, end = [], [], 0
    for label, run in groupby(labels):
        end += len(list(run))
        order.append(label)
        ends.append(end)
    return replace(plan, class_order=tuple(order), class_ends=tuple(ends))


def _check_json(asked: Asked, order: Order) -> None:
    has_numbers = any(output.name == IMAGES and not output.is_binary for output in asked.outputs)
    size = order.version.manifest.image.num_bytes
    if has_numbers and order.num_samples * size > MAX_JSON_NUMBERS:
        fits = max(1, MAX_JSON_NUMBERS // size)
        raise LimitExceededError(
            f"JSON holds about {fits} of these images: ask for binary data", pointer="/outputs", limit=fits
        )
