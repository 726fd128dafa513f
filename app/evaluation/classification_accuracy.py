"""Classification Accuracy Score: how well one learns from generated images alone what real ones are."""

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from app.data.dataset import ImageDataset
from app.evaluation.classifier import ClassifierRecipe, measure_accuracy, train_classifier


def classification_accuracy_score(
    images: UInt8[np.ndarray, "n height width channels"],
    labels: Int64[np.ndarray, " n"],
    test: ImageDataset,
    *,
    steps: int = 200,
    batch_size: int = 128,
    seed: int = 0,
    device: torch.device | None = None,
) -> float:
    """Train the judge's network from scratch on labelled images, and classify real ones with it.

    No augmentation: it would hide what the images lack. Hold it against the same number of real images.

    Args:
        images: What to learn from.
        labels: Their classes, in the order of ``test``.
        test: Real images that the generator was not trained on.
        steps: Optimizer steps.
        batch_size: Images per step.
        seed: Of the classifier.
        device: Where to train.

    Returns:
        Fraction of real images that are classified rightly, in [0, 1].

    Source:
        Ravuri & Vinyals 2019, "Classification accuracy score for conditional generative models".
    """
    recipe = ClassifierRecipe(steps=steps, batch_size=batch_size, augment=None, seed=seed)
    network = train_classifier(images, labels, len(test.class_names), recipe, device=device)
    return measure_accuracy(network, test.images, test.labels)
