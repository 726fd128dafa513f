"""The small classifier behind every figure: its network, and how it is trained. Knows nothing of generators."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from app.evaluation.affine import AffineRanges, Images, affine_batch
from app.generators.base import put_channels_last

REVISION = 1  # of the network and its training: part of the tag of every recipe
NUM_FEATURES = 128
NUM_TURNS = 4
WIDTHS = {1: (32, 64, 64, 128), 3: (64, 96, 128, 128)}
STEPS = {1: 1400, 3: 2000}
WARM_UP = 0.25
FINAL_MAP = 4  # px
LARGE_IMAGE = 48  # px; from here on the first convolution takes every second pixel
PREDICTION_BATCH = 500
LIGHT = AffineRanges()

Pixels: TypeAlias = UInt8[np.ndarray, "n height width channels"]
ClassIndices: TypeAlias = Int[np.ndarray, " n"]
Progress: TypeAlias = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class ClassifierRecipe:
    """How to train a classifier; everything that its weights follow from, besides the images.

    Attributes:
        steps: Optimizer steps.
        batch_size: Images per step.
        learning_rate: Peak of the cycle.
        weight_decay: Of AdamW.
        augment: Random moves of the images; None for none.
        seed: Of the weights, the order and the moves.
    """

    steps: int = 1400
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    augment: AffineRanges | None = LIGHT
    seed: int = 0

    @classmethod
    def for_judge(cls, channels: int) -> "ClassifierRecipe":
        """Choose what a judge needs: colour takes more steps than grey."""
        return cls(steps=STEPS[channels])

    @property
    def tag(self) -> str:
        """A short name that no other recipe has."""
        document = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return f"cnn{REVISION}-{self.steps}x{self.batch_size}-{hashlib.sha256(document.encode()).hexdigest()[:8]}"


class Classifier(nn.Module):
    """Convolutions and halvings down to 4 pixels, 128 features, one logit per class.

    At least three levels of convolution, batch norm and ReLU, with 32, 64, 64, 128, ... channels for grey images and
    64, 96, 128, ... for colour; each is halved while its longer side is above 4 pixels. For 28 x 28 grey images and ten
    classes that makes 131,050 parameters.

    Args:
        height: Of the images, in pixels.
        width: Of the images, in pixels.
        channels: 1 or 3.
        num_classes: Number of logits.
        widths: Channels of each level in the place of those; the last one goes on.
    """

    def __init__(
        self, height: int, width: int, channels: int, num_classes: int, *, widths: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        levels: list[nn.Module] = []
        inputs, widths = channels, widths or WIDTHS[channels]
        number = 0
        while number < len(widths) - 1 or max(height, width) > FINAL_MAP:
            outputs = widths[min(number, len(widths) - 1)]
            stride = 2 if number == 0 and max(height, width) > LARGE_IMAGE else 1
            height, width = -(-height // stride), -(-width // stride)
            levels += [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            if max(height, width) > FINAL_MAP:
                window = (min(height, 2), min(width, 2))
                levels.append(nn.MaxPool2d(window))
                height, width = height // window[0], width // window[1]
            inputs, number = outputs, number + 1
        self.levels = nn.Sequential(*levels)
        self.project = nn.Linear(inputs * height * width, NUM_FEATURES)
        self.classify = nn.Linear(NUM_FEATURES, num_classes)

    def features(self, images: Images) -> Float[Tensor, "batch features"]:
        """Return what the last layer sees: 128 numbers per image, none below zero."""
        return torch.relu(self.project(self.levels(images).flatten(1)))

    def forward(self, images: Images) -> Float[Tensor, "batch classes"]:
        """Return one logit per class."""
        logits: Tensor = self.classify(self.features(images))
        return logits


def to_images(pixels: UInt8[Tensor, "batch height width channels"]) -> Images:
    """Map pixels to [-1, 1], channels first by name and last in memory."""
    images = pixels.permute(0, 3, 1, 2).float().mul(1 / 127.5).sub(1.0)
    return images.contiguous(memory_format=torch.channels_last)


def turn_images(images: Images, turns: Int[Tensor, " batch"]) -> Images:
    """Turn each image by 0, 90, 180 or 270 degrees; where that would change its size, 90 and 270 become mirrorings."""
    if images.shape[2] == images.shape[3]:
        forms = [images, *(torch.rot90(images, quarter, (2, 3)) for quarter in (1, 2, 3))]
    else:
        forms = [images, images.flip(2), images.flip(2, 3), images.flip(3)]
    chosen = turns[:, None, None, None]
    result = forms[0]
    for number, form in enumerate(forms[1:], start=1):
        result = torch.where(chosen == number, form, result)
    return result


def train_classifier(
    images: Pixels,
    labels: ClassIndices | None,
    num_classes: int,
    recipe: ClassifierRecipe,
    *,
    device: torch.device | None = None,
    on_progress: Progress | None = None,
) -> Classifier:
    """Train a classifier from scratch; the same images, recipe, device and threads give the same weights.

    Args:
        images: Pixels.
        labels: Class per image, in [0, num_classes); None to learn how images are turned instead, in four classes.
        num_classes: Number of classes; not used without labels.
        recipe: How.
        device: Where; by default the CPU.
        on_progress: Called with steps done and steps in all.

    Returns:
        The classifier, in evaluation mode.

    Source:
        Gidaris et al. 2018, "Unsupervised representation learning by predicting image rotations" (without labels).
    """
    device = device or torch.device("cpu")
    network = create_classifier(images, num_classes if labels is not None else NUM_TURNS, seed=recipe.seed)
    batches = _batches(images, labels, recipe, device)
    return fit_classifier(network.to(device), batches, recipe, on_progress=on_progress)


def create_classifier(
    images: Pixels, num_outputs: int, *, seed: int, widths: Sequence[int] | None = None
) -> Classifier:
    """Create a classifier of images like these, on the CPU; its weights follow from the seed."""
    _, height, width, channels = images.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Classifier(height, width, channels, num_outputs, widths=widths)
    return put_channels_last(network)


def fit_classifier(
    network: Classifier,
    batches: Iterable[tuple[Images, Int[Tensor, " batch"]]],
    recipe: ClassifierRecipe,
    *,
    on_progress: Progress | None = None,
) -> Classifier:
    """Train a classifier on batches, a step each: AdamW under one cycle of the learning rate.

    The rate goes up in a straight line for a quarter of the steps, then down a cosine.

    Args:
        network: As it was created, on the device where it shall be trained.
        batches: Images in [-1, 1] and their classes, as many batches as the recipe has steps.
        recipe: Steps, learning rate and weight decay.
        on_progress: Called with steps done and steps in all.

    Returns:
        The classifier, in evaluation mode.

    Source:
        Smith & Topin 2018, "Super-convergence".
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=recipe.weight_decay)
    for step, (batch, targets) in enumerate(batches):
        optimizer.param_groups[0]["lr"] = recipe.learning_rate * one_cycle((step + 0.5) / recipe.steps)
        loss = nn.functional.cross_entropy(network(batch), targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own gap
        optimizer.step()
        if on_progress:
            on_progress(step + 1, recipe.steps)
    return network.requires_grad_(requires_grad=False).eval()


def one_cycle(progress: float) -> float:
    """Return the learning rate at a moment in (0, 1), as a fraction of its peak."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return 0.5 * (1.0 + math.cos(math.pi * (progress - WARM_UP) / (1.0 - WARM_UP)))


def measure_accuracy(network: Classifier, images: Pixels, labels: ClassIndices | None) -> float:
    """Return the fraction of images that are classified rightly; without labels, of turned images."""
    device = next(network.parameters()).device
    hits = 0
    for start in range(0, len(images), PREDICTION_BATCH):
        batch = to_images(torch.from_numpy(images[start : start + PREDICTION_BATCH]).to(device))
        if labels is None:
            targets = (torch.arange(len(batch)) + start) % NUM_TURNS
            batch = turn_images(batch, targets.to(device))
        else:
            targets = torch.from_numpy(labels[start : start + PREDICTION_BATCH])
        with torch.inference_mode():
            hits += int((network(batch).argmax(dim=1).cpu() == targets).sum())
    return hits / len(images)


def _batches(
    images: Pixels, labels: ClassIndices | None, recipe: ClassifierRecipe, device: torch.device
) -> Iterator[tuple[Images, Int[Tensor, " batch"]]]:
    """Yield the images of each step, in an order drawn anew per epoch; batches run across the ends of epochs."""
    generator = torch.Generator().manual_seed(recipe.seed)
    pixels = torch.from_numpy(images)
    classes = None if labels is None else torch.from_numpy(labels)
    queue = torch.empty(0, dtype=torch.int64)
    for _ in range(recipe.steps):
        while len(queue) < recipe.batch_size:
            queue = torch.cat([queue, torch.randperm(len(pixels), generator=generator)])
        rows, queue = queue[: recipe.batch_size], queue[recipe.batch_size :]
        batch = to_images(pixels[rows].to(device))
        if classes is None:
            targets = torch.randint(NUM_TURNS, (len(rows),), generator=generator).to(device)
            batch = turn_images(batch, targets)
        else:
            targets = classes[rows].to(device)
        if recipe.augment is not None:
            batch = affine_batch(batch, **dataclasses.asdict(recipe.augment), generator=generator)
        yield batch, targets
