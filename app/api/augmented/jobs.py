"""One request cut into jobs of a size that children do in a moment, in the order of their outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from app.api.augmented.form import Form, Upload
from app.augmentation.jobs import ArrayInput, AugmentJob, write_job

COPIES_AT_ONCE = 16
BATCH_AT_ONCE = 256
FILES_AT_ONCE = 8
FEW_JOBS = 4
"""So that there is one for each of some cores."""
ENOUGH_FILE_BYTES = 2**20
"""Of files that are worth a job of their own."""
ENOUGH_BYTES = 4 * 2**20
"""Pixels of an array that are worth a job of their own."""


@dataclass(frozen=True, slots=True)
class JobFiles:
    """A job, written, and its files."""

    document: bytes
    files: Sequence[bytes]
    num_outputs: int


def cut_jobs(form: Form, whole: AugmentJob, *, is_joint: bool, fan_out: int) -> Iterator[JobFiles]:
    """Cut a request into jobs.

    Args:
        form: The inputs.
        whole: What is asked of all of them; ``inputs`` are filled in.
        is_joint: Whether outputs hang on other inputs too: then there is one job.
        fan_out: Outputs of each copy.
    """
    if is_joint:
        inputs, files = _take_all(form)
        yield _write(whole, inputs, files, 0, form.num_images * whole.copies * fan_out)
    elif form.batch is not None:
        yield from _cut_batch(form, form.batch, whole, fan_out)
    else:
        yield from _cut_files(form, whole, fan_out)


def _take_all(form: Form) -> tuple[list[object], list[bytes]]:
    if form.batch is not None:
        return [form.batch], [form.pixels]
    return [one.what for one in form.files], [file for one in form.files for file in one.files]


def _cut_batch(form: Form, batch: ArrayInput, whole: AugmentJob, fan_out: int) -> Iterator[JobFiles]:
    each = len(form.pixels) // batch.count
    outputs = whole.copies * fan_out
    at_once = max(1, min(BATCH_AT_ONCE // outputs, ENOUGH_BYTES // (each * outputs)))
    for start in range(0, batch.count, at_once):
        count = min(at_once, batch.count - start)
        part = msgspec.structs.replace(batch, number=start, count=count)
        pixels = form.pixels[start * each : (start + count) * each]
        yield _write(whole, [part], [pixels], start, count * outputs)


def _cut_files(form: Form, whole: AugmentJob, fan_out: int) -> Iterator[JobFiles]:
    if whole.copies * fan_out < COPIES_AT_ONCE:
        yield from _group_files(form, whole, fan_out)
        return
    for number, one in enumerate(form.files):
        for start in range(0, whole.copies, COPIES_AT_ONCE):
            copies = min(COPIES_AT_ONCE, whole.copies - start)
            part = msgspec.structs.replace(whole, copies=copies, first_copy=whole.first_copy + start)
            yield _write(part, [one.what], one.files, number, copies * fan_out)


def _group_files(form: Form, whole: AugmentJob, fan_out: int) -> Iterator[JobFiles]:
    """Put files of few copies into jobs together: what is drawn for many of one size takes hardly longer."""
    outputs = whole.copies * fan_out
    most = min(FILES_AT_ONCE, COPIES_AT_ONCE // outputs, max(1, len(form.files) // FEW_JOBS))
    group: list[Upload] = []
    num_bytes = 0
    for number, one in enumerate(form.files):
        group.append(one)
        num_bytes += sum(map(len, one.files))
        if len(group) >= most or num_bytes >= ENOUGH_FILE_BYTES or number + 1 == len(form.files):
            first = number + 1 - len(group)
            files = [file for each in group for file in each.files]
            yield _write(whole, [each.what for each in group], files, first, len(group) * outputs)
            group, num_bytes = [], 0


def _write(job: AugmentJob, inputs: Sequence[object], files: Sequence[bytes], first: int, num_outputs: int) -> JobFiles:
    count = sum(one.count if isinstance(one, ArrayInput) else 1 for one in inputs)
    targets = None if job.targets is None else job.targets[first : first + count]
    traces = None if job.traces is None else job.traces[first : first + count]
    document = write_job(msgspec.structs.replace(job, inputs=list(inputs), targets=targets, traces=traces))
    return JobFiles(document, files, num_outputs)
