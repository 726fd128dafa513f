"""The arms of a utility study: what a classifier is trained on, and how its batches are mixed."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from app.data.dataset import ImageDataset
from app.evaluation.affine import AffineRanges, Images, affine_batch
from app.evaluation.classifier import (
    PREDICTION_BATCH,
    WIDTHS,
    Classifier,
    ClassifierRecipe,
    create_classifier,
    fit_classifier,
    to_images,
)
from app.evaluation.sampling import Samples

BATCH = 64
CLASSIC = AffineRanges(degrees=15.0, scale=0.15, shift=0.1, shear=10.0)


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to train the classifier.

    Attributes:
        share: Part of each batch that is generated, in [0, 1].
        augmented: Whether images are turned, stretched and moved at random.
        filtered: Whether only those generated images are used that a classifier of the real ones agrees with.
    """

    share: float
    augmented: bool
    filtered: bool = False

    @property
    def name(self) -> str:
        """What it is trained on, in words; no two arms share them."""
        kept = " kept" if self.filtered else ""
        mix = {0.0: "real", 1.0: f"generated{kept}"}.get(self.share, f"real + {100 * self.share:g} % generated{kept}")
        return f"{mix} + augmentation" if self.augmented else mix

    @property
    def baseline(self) -> "Arm | None":
        """The arm to compare it with: the same without generated images; for augmentation alone, without that."""
        if self.share > 0:
            return AUGMENTED if self.augmented else REAL
        return REAL if self.augmented else None


REAL, AUGMENTED = Arm(0.0, augmented=False), Arm(0.0, augmented=True)


def create_arms(ratios: Sequence[float]) -> list[Arm]:
    """List the arms of a study: the baselines, generated images alone, and every mix.

    Args:
        ratios: Shares of generated images, each in (0, 1).
    """
    mixes = [
        Arm(share, augmented=augmented, filtered=filtered)
        for augmented in (False, True)
        for filtered in (False, True)
        for share in sorted(set(ratios))
    ]
    return [REAL, AUGMENTED, Arm(1.0, augmented=False), *mixes]


def train_arm(
    real: ImageDataset,
    generated: Samples | None,
    arm: Arm,
    *,
    steps: int,
    seed: int,
    device: torch.device,
) -> Classifier:
    """Train the judge's network, at half its width, from scratch on one arm's images.

    Args:
        real: Real images with their classes.
        generated: Generated ones; None, or none of them, leaves real images alone, whatever the share.
        arm: How to mix them.
        steps: Optimizer steps, of 64 images each.
        seed: Of the weights, the order and the augmentation.
        device: Where to train.
    """
    recipe = ClassifierRecipe(steps=steps, batch_size=BATCH, augment=CLASSIC if arm.augmented else None, seed=seed)
    widths = [width // 2 for width in WIDTHS[real.images.shape[3]]]
    network = create_classifier(real.images, len(real.class_names), seed=seed, widths=widths)
    share = arm.share if generated is not None and len(generated.images) else 0.0
    batches = mix_batches(real, generated or real, share, recipe, device)
    return fit_classifier(network.to(device), batches, recipe)


def mix_batches(
    real: ImageDataset | Samples,
    generated: ImageDataset | Samples,
    share: float,
    recipe: ClassifierRecipe,
    device: torch.device,
) -> Iterator[tuple[Images, Int[Tensor, " batch"]]]:
    """Yield batches of both kinds; over all steps the share is met to one image.

    Args:
        real: Real images with their classes.
        generated: Generated ones; at least one, unless the share is 0.
        share: Part of the images that is generated, in [0, 1].
        recipe: Steps, batch size, augmentation and seed.
        device: Where the batches are needed.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    decks = _deal(len(real.images), generator), _deal(len(generated.images), generator)
    for step in range(recipe.steps):
        due = [int(share * recipe.batch_size * number) for number in (step, step + 1)]
        num_generated = due[1] - due[0]
        rows = [next(decks[0]) for _ in range(recipe.batch_size - num_generated)]
        generated_rows = [next(decks[1]) for _ in range(num_generated)]
        pixels = np.concatenate([real.images[rows], generated.images[generated_rows]])
        labels = np.concatenate([real.labels[rows], generated.labels[generated_rows]])
        batch = to_images(torch.from_numpy(pixels).to(device))
        if recipe.augment is not None:
            batch = affine_batch(batch, **dataclasses.asdict(recipe.augment), generator=generator)
        yield batch, torch.from_numpy(labels).to(device)


def _deal(num_rows: int, generator: torch.Generator) -> Iterator[int]:
    """Yield row numbers without end: all of them once, in an order drawn anew, again and again."""
    while True:
        yield from torch.randperm(num_rows, generator=generator).tolist()


def find_agreeing(network: Classifier, generated: Samples, confidence: float) -> Bool[np.ndarray, " n"]:
    """Tell which generated images a classifier takes for what they were asked to be, and how surely.

    Args:
        network: Trained on real images.
        generated: Images and the class that each was asked for.
        confidence: What the probability of that class must be above, in [0, 1).
    """
    device = next(network.parameters()).device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(generated.images), PREDICTION_BATCH):
            rows = slice(start, start + PREDICTION_BATCH)
            logits = network(to_images(torch.from_numpy(generated.images[rows]).to(device)))
            best = logits.double().softmax(dim=1).cpu().max(dim=1)
            parts.append((best.values > confidence) & (best.indices == torch.from_numpy(generated.labels[rows])))
    return torch.cat(parts).numpy()
