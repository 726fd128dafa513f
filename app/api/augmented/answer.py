"""Augmented images into an answer: whole if it is short, else streamed as it is computed."""

import json
from collections.abc import AsyncGenerator, Sequence
from functools import partial

from starlette.responses import Response

from app.api.answers import write_times
from app.api.augmented.jobs import cut_jobs
from app.api.augmented.order import AugmentationOrder
from app.api.augmented.running import Running
from app.api.augmented.sheet import draw_outputs
from app.api.services import Services
from app.api.streaming import StreamedAnswer, WholeAnswer
from app.augmentation.packing import ARRAYS, MEDIA_TYPES, SINGLE, Item, Packer, different_shapes, open_packer
from app.augmentation.request import AugmentationFormat

HELD_BYTES = 64 * 2**20
"""Of an answer, before its head is sent: what goes wrong until then is a problem, and breaks it off later."""
MAX_TRACE_BYTES = 4096


async def answer_augmentation(order: AugmentationOrder, services: Services, caller: str) -> Response:
    """Run an order and make the answer.

    Args:
        order: What to do.
        services: The application's parts.
        caller: Id of the key whose images are counted.

    Raises:
        ServiceError: If an image cannot be read, or what is asked for does not go with it.
    """
    jobs = cut_jobs(order.form, order.job, is_joint=order.is_joint, fan_out=order.fan_out)
    count = partial(services.metrics.count_augmented, caller=caller)
    running = Running(jobs, services.augmenters, services.augmenters.processes + 1, count)
    is_handed_over = False
    try:
        held, rest = await _hold(running, order)
        if rest is None:
            return await _answer_whole(order, held, running, services)
        answer = _answer_streamed(order, held, rest, running)
        is_handed_over = True
        return answer
    finally:
        if not is_handed_over:
            await running.close()


async def _hold(
    running: Running, order: AugmentationOrder
) -> tuple[list[Item], AsyncGenerator[list[Item], None] | None]:
    """Read outputs until there are all of them, or as many as are held."""
    held: list[Item] = []
    num_bytes = 0
    reading = running.read()
    async for items in reading:
        held += items
        num_bytes += sum(len(item.file) + len(item.mask) for item in items)
        if num_bytes > HELD_BYTES and order.chosen not in {AugmentationFormat.GRID, AugmentationFormat.NPZ}:
            return held, reading
    return held, None


async def _answer_whole(
    order: AugmentationOrder, held: Sequence[Item], running: Running, services: Services
) -> Response:
    if order.chosen in ARRAYS and len({(item.record.shape, item.record.depth) for item in held}) > 1:
        raise different_shapes()
    if order.chosen == AugmentationFormat.GRID:
        body, encode_s = await services.encoder.run(draw_outputs, held, kind=order.chosen)
    else:
        body, encode_s = await services.encoder.run(_pack, order, held, kind=order.chosen)
    times = running.seconds | {"pack": encode_s}
    return WholeAnswer(body, _describe(order, held, times), MEDIA_TYPES[order.chosen])


def _answer_streamed(
    order: AugmentationOrder, held: Sequence[Item], rest: AsyncGenerator[list[Item], None], running: Running
) -> Response:
    headers = _describe(order, held, running.seconds)
    pieces = _continue(open_packer(order.chosen, order.summary), held, rest)
    media_type = MEDIA_TYPES[order.chosen]
    return StreamedAnswer(pieces, on_end=running.close, media_type=media_type, headers=headers)


async def _continue(
    packer: Packer, held: Sequence[Item], rest: AsyncGenerator[list[Item], None]
) -> AsyncGenerator[bytes, None]:
    yield packer.begin()
    for item in held:
        yield packer.add(item)
    async for items in rest:
        yield b"".join(map(packer.add, items))
    for piece in packer.finish():
        yield piece


def _pack(order: AugmentationOrder, items: Sequence[Item]) -> bytes:
    packer = open_packer(order.chosen, order.summary)
    return b"".join([packer.begin(), *map(packer.add, items), *packer.finish()])


def _describe(order: AugmentationOrder, held: Sequence[Item], times: dict[str, float]) -> dict[str, str]:
    headers = {**order.headers, "Server-Timing": write_times(times)}
    if order.chosen in SINGLE:
        trace = json.dumps(held[0].record.facts["trace"], separators=(",", ":"))
        return headers | ({"Fount-Trace": trace} if len(trace) <= MAX_TRACE_BYTES else {})
    name = f"augmented-seed{order.job.seed}.{'png' if order.chosen == AugmentationFormat.GRID else order.chosen}"
    return headers | {"Content-Disposition": f'attachment; filename="{name}"'}
