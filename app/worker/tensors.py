"""Plans computed as tensors, on the device that the samples are on; what has no form here is computed on the CPU.

Every sum is taken in a fixed order, pixel by pixel: what becomes of a sample does not hang on how many there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.augmentation.draws import I64
from app.augmentation.frames import Frames
from app.augmentation.noise_bank import PIECE, SCALE, find_places, read_table
from app.augmentation.operation import Columns
from app.augmentation.operations.noise import GaussianNoise
from app.augmentation.primitives import Curve
from app.augmentation.program import Program, Recolour, Redo, Relevel, Resample, Stage, write_programs
from app.augmentation.sampler import Plan
from app.generators.pixels import Pixels
from app.worker.tensor_moves import resample

_LEVELS = 256
_WHITE = 255.0
_PIXELS_AT_ONCE = 2**22  # each takes some hundred bytes while it is moved


class TensorExecutor:
    """Computes plans on one device; see ``app.worker.augmenting.Executor``.

    Args:
        device: Where samples are.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._noise: Tensor | None = None

    def __call__(self, plan: Plan, samples: Pixels) -> Pixels:
        """Compute the outputs of a plan, one per picture."""
        outputs = torch.empty_like(samples)
        for program in write_programs(plan):
            for places in _group_by_size(program):
                stages = [take(stage, places) for stage in program.stages]
                rows = torch.from_numpy(program.rows[places]).to(self._device)
                outputs[rows] = self._run(plan, stages, samples[rows])
        return outputs

    def _run(self, plan: Plan, stages: Sequence[Stage], pixels: Pixels) -> Pixels:
        for stage in stages:
            done = self._run_stage(stage, pixels, plan)
            pixels = run_on_cpu(stage, pixels, plan.before) if done is None else done
        return pixels

    def _run_stage(self, stage: Stage, pixels: Pixels, plan: Plan) -> Pixels | None:
        """Compute one stage; None if it has no form here."""
        match stage:
            case Resample(interpolation="cubic"):
                return None
            case Resample():
                return move(stage, pixels, plan.before)
            case Recolour(matrices):
                return recolour(pixels, matrices)
            case Relevel(curves, rows):
                return look_up(pixels, curves, rows)
            case Redo(primitive, rows):
                step = next(one for one in plan.steps if one.primitive is primitive)
                return self._add_noise(pixels, step.columns, rows) if step.operation is GaussianNoise else None

    def _add_noise(self, pixels: Pixels, columns: Columns, rows: I64) -> Pixels:
        """Add normal noise from the bank; see ``app.augmentation.kernels_noise``."""
        count, height, width, channels = pixels.shape
        shape = (height, width, channels if columns["per_channel"] else 1)
        size = int(np.prod(shape))
        places = np.stack([find_places(int(key), -(-size // PIECE)) for key in columns["key"][rows]])
        starts = torch.from_numpy(places).to(self._device)[:, :, None]
        bank = self._bank[starts + torch.arange(PIECE, device=self._device)]
        noise = bank.reshape(count, -1)[:, :size].reshape(count, *shape).float()
        gains = np.asarray(columns["deviation"][rows] * _WHITE / SCALE, np.float32)
        noise = (noise * torch.from_numpy(gains).to(self._device)[:, None, None, None]).round()
        return _write(pixels.float() + noise)

    @property
    def _bank(self) -> Tensor:
        if self._noise is None:
            self._noise = torch.from_numpy(read_table().copy()).to(self._device)
        return self._noise


def run_on_cpu(stage: Stage, pixels: Pixels, frames: Frames) -> Pixels:
    """Compute a stage by OpenCV and NumPy, picture by picture; its outputs are of one size."""
    from app.augmentation.cpu import run_stage  # noqa: PLC0415 - OpenCV is loaded where it is needed

    outputs = [run_stage(stage, picture, place, frames) for place, picture in enumerate(pixels.cpu().numpy())]
    return torch.from_numpy(np.stack(outputs)).to(pixels.device)


def move(stage: Resample, pixels: Pixels, frames: Frames) -> Pixels:
    """Move pictures; those that shrink are filtered first, on the CPU."""
    moved, shrinking = resample(stage, pixels)
    if len(shrinking):
        places = torch.from_numpy(shrinking).to(pixels.device)
        moved[places] = run_on_cpu(take(stage, shrinking), pixels[places], frames)
    return moved


def recolour(pixels: Pixels, matrices: NDArray[np.float64]) -> Pixels:
    """Mix colours linearly, by one matrix for each picture, shape (m, k, k + 1)."""
    scaled = matrices.astype(np.float32)
    scaled[:, :, -1] *= np.float32(_WHITE)
    factors = torch.from_numpy(scaled).to(pixels.device)[:, :, :, None, None]
    levels = pixels.float().movedim(-1, 1)
    mixed = factors[:, :, -1].expand(-1, -1, *pixels.shape[1:3])
    for channel in range(pixels.shape[-1]):
        mixed = mixed + factors[:, :, channel] * levels[:, channel, None]
    return _write(mixed.movedim(1, -1))


def look_up(pixels: Pixels, curves: Sequence[Curve], rows: I64) -> Pixels:
    """Map each level by a table for each picture."""
    tables = np.stack([_tabulate(curves, int(row)) for row in rows])
    flat = pixels.reshape(len(pixels), -1).long()
    return torch.from_numpy(tables).to(pixels.device).gather(1, flat).reshape(pixels.shape)


def _tabulate(curves: Sequence[Curve], row: int) -> NDArray[np.uint8]:
    levels = np.arange(_LEVELS) / (_LEVELS - 1)
    for curve in curves:
        levels = np.clip(curve.function(levels, row), 0, 1)
    return np.rint(levels * _WHITE).astype(np.uint8)


def take(stage: Stage, places: I64) -> Stage:
    """Return a stage for some of its outputs."""
    match stage:
        case Resample():
            pieces = [
                piece[places] if isinstance(piece, np.ndarray) else (piece[0], piece[1][places])
                for piece in stage.pieces
            ]
            sizes = stage.heights[places], stage.widths[places]
            return replace(stage, pieces=pieces, heights=sizes[0], widths=sizes[1])
        case Recolour(matrices):
            return Recolour(matrices[places])
        case _:
            return replace(stage, rows=stage.rows[places])


def _group_by_size(program: Program) -> Iterator[I64]:
    """Part outputs by the sizes that they have on the way: pictures of one tensor are of one size, and few if large."""
    moves = [stage for stage in program.stages if isinstance(stage, Resample)]
    sizes = np.stack([np.zeros_like(program.rows), *(side for one in moves for side in (one.heights, one.widths))])
    _, groups = np.unique(sizes, axis=1, return_inverse=True)
    for group in range(groups.max() + 1):
        places = np.flatnonzero(groups == group)
        most_pixels = max((int(one.heights[places[0]] * one.widths[places[0]]) for one in moves), default=1)
        count = max(1, _PIXELS_AT_ONCE // most_pixels)
        yield from (places[start : start + count] for start in range(0, len(places), count))


def _write(levels: Tensor) -> Pixels:
    return levels.round().clamp(0, _WHITE).to(torch.uint8)
