"""Policies on the samples of a batch: each run by its own, after all of them were made together."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import torch

from app.augmentation.policy import Policy
from app.augmentation.sampler import Plan
from app.augmentation.samples import plan_samples
from app.core.errors import WorkerError
from app.generators.pixels import Pixels
from app.schemas.jobs import IndexRun, RefusedRun, RowsRun, Run, SampleBatch
from app.worker.failures import describe_failure
from app.worker.latents import list_indices

Executor: TypeAlias = Callable[[Plan, Pixels], Pixels]
"""Computes the outputs of a plan, one per picture."""

_KEPT_POLICIES = 64


def augment_batch(batch: SampleBatch, pixels: Pixels, execute: Executor) -> tuple[RefusedRun, ...]:
    """Augment the samples of a batch where they lie.

    Args:
        batch: The batch; it has policies.
        pixels: Its samples.
        execute: Computes augmented pixels.

    Returns:
        Runs whose samples cannot be augmented; what lies there is not to be used.
    """
    refused = []
    for number, (run, ops, samples) in enumerate(_split(batch, pixels)):
        try:
            if ops:
                augment_run(run, ops, samples, execute)
        except Exception as error:  # noqa: BLE001 - whatever a policy raises, the other runs are whole
            failure = describe_failure(error)
            refused.append(RefusedRun(number, failure.code, failure.detail, failure.fields))
    return tuple(refused)


def augment_run(run: Run, ops: bytes, samples: Pixels, execute: Executor) -> None:
    """Augment the samples of one run where they lie.

    Args:
        run: Which samples.
        ops: Operations of the policy, as a JSON array.
        samples: Their pixels.
        execute: Computes augmented pixels.

    Raises:
        InvalidInputError: If the policy is not for samples.
        LimitExceededError: If they grow too large on the way.
    """
    if not isinstance(run, IndexRun | RowsRun):
        raise WorkerError("only samples of a seed are augmented")
    _, height, width, channels = samples.shape
    plan = plan_samples(_read_policy(ops).ops, run.seed, list_indices(run), (height, width, channels))
    samples[...] = execute(plan, samples)


def execute_on_cpu(plan: Plan, samples: Pixels) -> Pixels:
    """Compute the outputs of a plan by OpenCV and NumPy, one after the other."""
    from app.augmentation.cpu import render  # noqa: PLC0415 - OpenCV is loaded when a policy comes

    outputs = render(plan, list(samples.numpy()), np.arange(len(samples)))
    return torch.from_numpy(np.stack(list(outputs)))


def _split(batch: SampleBatch, pixels: Pixels) -> Iterator[tuple[Run, bytes, Pixels]]:
    start = 0
    for run, ops in zip(batch.runs, batch.policies, strict=True):
        yield run, ops, pixels[start : start + run.count]
        start += run.count


@lru_cache(maxsize=_KEPT_POLICIES)
def _read_policy(ops: bytes) -> Policy:
    return Policy.model_validate_json(b'{"ops":%b}' % ops)
