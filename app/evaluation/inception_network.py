"""The Inception network behind published FID figures: InceptionV3 as TensorFlow published it on 2015-12-05.

It differs from the paper's where the published graph does: average pools leave the border out of the mean, the last
block has a maximum in the place of a mean, and there are 1008 outputs. Parameters are named as in the weight files that
pytorch-fid and torch-fidelity share.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

SIDE = 299  # px
NUM_FEATURES = 2048
NUM_OUTPUTS = 1008

PixelBatch: TypeAlias = UInt8[Tensor, "batch height width channels"]
Maps: TypeAlias = Float[Tensor, "batch channels height width"]
Pooled: TypeAlias = Float[Tensor, "batch channels pooled_height pooled_width"]
Convolved: TypeAlias = Float[Tensor, "batch outputs new_height new_width"]
Kernel: TypeAlias = tuple[int, int, int]  # outputs, height, width
Branch: TypeAlias = Sequence[Sequence[Kernel]]  # one step after the other; the kernels of a step see the same maps

_EPSILON = 1e-3  # of batch norm


def average_pool(maps: Maps) -> Maps:
    """Average 3 x 3 neighbours; at the border, those that exist."""
    return functional.avg_pool2d(maps, 3, stride=1, padding=1, count_include_pad=False)


def max_pool(maps: Maps) -> Maps:
    """Take the maximum of 3 x 3 neighbours."""
    return functional.max_pool2d(maps, 3, stride=1, padding=1)


def halving_pool(maps: Maps) -> Pooled:
    """Take the maximum of every second 3 x 3 window that lies within the maps."""
    return functional.max_pool2d(maps, 3, stride=2)


class Convolution(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, inputs: int, kernel: Kernel, *, stride: int = 1, is_padded: bool = True) -> None:
        super().__init__()
        outputs, height, width = kernel
        padding = (height // 2, width // 2) if is_padded else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=_EPSILON)

    def forward(self, maps: Maps) -> Convolved:
        """Return maps that are nowhere below zero."""
        return functional.relu_(self.bn(self.conv(maps)))


class Mixed(nn.Module):
    """Branches of convolutions beside a pool, whose maps are put one behind the other.

    Args:
        inputs: Maps that come in.
        branches: By name. A convolution has the name of its branch, with the number of its step where there are
            several steps, and a letter where there are several in one step.
        pool: The last branch.
        pooled: Maps that a last convolution makes of the pool; 0 leaves it out.
        halves: Whether the last step of every branch takes every second pixel, without a border.
    """

    def __init__(
        self,
        inputs: int,
        branches: Mapping[str, Branch],
        *,
        pool: Callable[[Tensor], Tensor] = average_pool,
        pooled: int = 0,
        halves: bool = False,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.outputs = pooled or inputs
        self._paths = [self._add_branch(inputs, name, branch, halves=halves) for name, branch in branches.items()]
        self.branch_pool = Convolution(inputs, (pooled, 1, 1)) if pooled else nn.Identity()

    def _add_branch(self, inputs: int, name: str, branch: Branch, *, halves: bool) -> list[list[Convolution]]:
        path = []
        for number, step in enumerate(branch, start=1):
            stride = 2 if halves and number == len(branch) else 1
            convolutions = [Convolution(inputs, kernel, stride=stride, is_padded=stride == 1) for kernel in step]
            for letter, convolution in zip("ab", convolutions, strict=False):
                suffix = f"_{number}" * (len(branch) > 1) + letter * (len(step) > 1)
                self.add_module(f"{name}{suffix}", convolution)
            path.append(convolutions)
            inputs = sum(outputs for outputs, _, _ in step)
        self.outputs += inputs
        return path

    def forward(self, maps: Maps) -> Convolved:
        """Return the maps of all branches, the pool's last."""
        results = [_follow(path, maps) for path in self._paths]
        return torch.cat([*results, self.branch_pool(self.pool(maps))], dim=1)


class InceptionV3(nn.Module):
    """From 8-bit images of any size to 2048 features and 1008 outputs.

    Source:
        Szegedy et al. 2015, "Rethinking the Inception architecture for computer vision"; the network that Heusel et
        al. 2017 and Salimans et al. 2016 looked through.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, (32, 3, 3), stride=2, is_padded=False)
        self.Conv2d_2a_3x3 = Convolution(32, (32, 3, 3), is_padded=False)
        self.Conv2d_2b_3x3 = Convolution(32, (64, 3, 3))
        self.Conv2d_3b_1x1 = Convolution(64, (80, 1, 1))
        self.Conv2d_4a_3x3 = Convolution(80, (192, 3, 3), is_padded=False)
        self._blocks = _create_blocks(192)
        for name, block in self._blocks.items():
            self.add_module(name, block)
        self.fc = nn.Linear(NUM_FEATURES, NUM_OUTPUTS)

    def features(self, pixels: PixelBatch) -> Float[Tensor, "batch features"]:
        """Return 2048 numbers per image, none below zero."""
        maps = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(prepare(pixels))))
        maps = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(halving_pool(maps)))
        maps = halving_pool(maps)
        for block in self._blocks.values():
            maps = block(maps)
        return torch.mean(maps, dim=(2, 3))

    def classify(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """Return the outputs before their bias: published Inception Scores leave it out."""
        return functional.linear(features, self.fc.weight)

    def forward(self, pixels: PixelBatch) -> Float[Tensor, "batch classes"]:
        """Return the outputs with their bias."""
        outputs: Tensor = self.fc(self.features(pixels))
        return outputs


def prepare(pixels: PixelBatch) -> Float[Tensor, "batch rgb side side"]:
    """Resize to 299 x 299 and map 0 to -1, 128 to 0; grey images get three equal channels."""
    maps = resize(pixels.permute(0, 3, 1, 2).float(), SIDE).sub_(128.0).div_(128.0)
    return maps.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def resize(maps: Maps, side: int) -> Float[Tensor, "batch channels side side"]:
    """Resize as TensorFlow 1 does: bilinear between the corners of pixels, and without smoothing before shrinking.

    Output i is read at ``i * length / side``, so the first pixel stays in its place and the last ones are repeated.
    Other libraries read between the centres of pixels; the figures would not be those of the published network.
    """
    for axis in (3, 2):
        length = maps.shape[axis]
        position = torch.arange(side, device=maps.device) * torch.tensor(length / side, device=maps.device)
        low = position.long()
        share = (position - low).view(-1, *[1] * (3 - axis))
        near, far = maps.index_select(axis, low), maps.index_select(axis, (low + 1).clamp(max=length - 1))
        maps = near + (far - near) * share
    return maps


def _follow(path: list[list[Convolution]], maps: Tensor) -> Tensor:
    for convolutions in path:
        results = [convolution(maps) for convolution in convolutions]
        maps = torch.cat(results, dim=1) if len(results) > 1 else results[0]
    return maps


def _create_blocks(inputs: int) -> dict[str, Mixed]:
    """Create the mixed blocks, from 192 maps of 35 x 35 pixels to 2048 of 8 x 8."""
    makers: dict[str, Callable[[int], Mixed]] = {
        "Mixed_5b": lambda inputs: _mix_35(inputs, pooled=32),
        "Mixed_5c": lambda inputs: _mix_35(inputs, pooled=64),
        "Mixed_5d": lambda inputs: _mix_35(inputs, pooled=64),
        "Mixed_6a": _halve_35,
        "Mixed_6b": lambda inputs: _mix_17(inputs, width=128),
        "Mixed_6c": lambda inputs: _mix_17(inputs, width=160),
        "Mixed_6d": lambda inputs: _mix_17(inputs, width=160),
        "Mixed_6e": lambda inputs: _mix_17(inputs, width=192),
        "Mixed_7a": _halve_17,
        "Mixed_7b": lambda inputs: _mix_8(inputs, average_pool),
        "Mixed_7c": lambda inputs: _mix_8(inputs, max_pool),
    }
    blocks = {}
    for name, make in makers.items():
        blocks[name] = make(inputs)
        inputs = blocks[name].outputs
    return blocks


def _mix_35(inputs: int, pooled: int) -> Mixed:
    branches: dict[str, Branch] = {
        "branch1x1": [[(64, 1, 1)]],
        "branch5x5": [[(48, 1, 1)], [(64, 5, 5)]],
        "branch3x3dbl": [[(64, 1, 1)], [(96, 3, 3)], [(96, 3, 3)]],
    }
    return Mixed(inputs, branches, pooled=pooled)


def _halve_35(inputs: int) -> Mixed:
    branches: dict[str, Branch] = {
        "branch3x3": [[(384, 3, 3)]],
        "branch3x3dbl": [[(64, 1, 1)], [(96, 3, 3)], [(96, 3, 3)]],
    }
    return Mixed(inputs, branches, pool=halving_pool, halves=True)


def _mix_17(inputs: int, width: int) -> Mixed:
    row, column = (width, 1, 7), (width, 7, 1)
    branches: dict[str, Branch] = {
        "branch1x1": [[(192, 1, 1)]],
        "branch7x7": [[(width, 1, 1)], [row], [(192, 7, 1)]],
        "branch7x7dbl": [[(width, 1, 1)], [column], [row], [column], [(192, 1, 7)]],
    }
    return Mixed(inputs, branches, pooled=192)


def _halve_17(inputs: int) -> Mixed:
    branches: dict[str, Branch] = {
        "branch3x3": [[(192, 1, 1)], [(320, 3, 3)]],
        "branch7x7x3": [[(192, 1, 1)], [(192, 1, 7)], [(192, 7, 1)], [(192, 3, 3)]],
    }
    return Mixed(inputs, branches, pool=halving_pool, halves=True)


def _mix_8(inputs: int, pool: Callable[[Tensor], Tensor]) -> Mixed:
    fork = [(384, 1, 3), (384, 3, 1)]
    branches: dict[str, Branch] = {
        "branch1x1": [[(320, 1, 1)]],
        "branch3x3": [[(384, 1, 1)], fork],
        "branch3x3dbl": [[(448, 1, 1)], [(384, 3, 3)], fork],
    }
    return Mixed(inputs, branches, pool=pool, pooled=192)
