"""The contact sheet of a policy: each image as it was sent, then its copies."""

import dataclasses
from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from app.api.answers import write_times
from app.api.augmented.jobs import cut_jobs
from app.api.augmented.order import AugmentationOrder
from app.api.augmented.running import Running
from app.api.augmented.sheet import MAX_TILES, draw_outputs
from app.api.services import Services
from app.api.streaming import WholeAnswer
from app.augmentation.packing import Item
from app.core.errors import LimitExceededError

ORIGINAL = -1
"""Number of the copy that an original is shown as."""


async def answer_preview(order: AugmentationOrder, services: Services) -> Response:
    """Draw the sheet.

    Raises:
        LimitExceededError: If it would have too many pictures.
        ServiceError: If an image cannot be read, or what is asked for does not go with it.
    """
    shown = order.num_outputs + order.form.num_images
    if shown > MAX_TILES:
        raise LimitExceededError(f"a preview shows at most {MAX_TILES} pictures; ask for fewer", limit=MAX_TILES)
    originals = await _run(_as_sent(order), services)
    copies = await _run(order, services)
    items = [
        item for original in originals for item in [_name_original(original), *_of_image(copies, original.record.image)]
    ]
    body, encode_s = await services.encoder.run(draw_outputs, items)
    return WholeAnswer(body, {**order.headers, "Server-Timing": write_times({"pack": encode_s})}, "image/png")


def _as_sent(order: AugmentationOrder) -> AugmentationOrder:
    job = msgspec.structs.replace(order.job, policy={"ops": []}, traces=None, copies=1, first_copy=0, targets=None)
    return dataclasses.replace(order, job=job, fan_out=1, is_joint=False)


async def _run(order: AugmentationOrder, services: Services) -> list[Item]:
    jobs = cut_jobs(order.form, order.job, is_joint=order.is_joint, fan_out=order.fan_out)
    running = Running(jobs, services.augmenters, services.augmenters.processes + 1)
    try:
        return [item async for items in running.read() for item in items]
    finally:
        await running.close()


def _of_image(items: Sequence[Item], number: int) -> list[Item]:
    return [item for item in items if item.record.image == number]


def _name_original(item: Item) -> Item:
    return item._replace(record=msgspec.structs.replace(item.record, copy=ORIGINAL))
