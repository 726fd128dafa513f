"""The figures that are taken through the Inception network, and what real images score by them."""

from pathlib import Path

from app.evaluation.arrays import Classes, RealFeatures
from app.evaluation.classifier import Progress
from app.evaluation.figures import Figure, measure_distances, score_clarity
from app.evaluation.floors import Floors, keep_floors, name_floors
from app.evaluation.inception import Inception
from app.evaluation.judge import Look
from app.evaluation.protocol import Protocol
from app.evaluation.reference import Reference

PREFIX = "inception_"


def measure_inception(
    real: RealFeatures,
    look: Look,
    *,
    classes: Classes | None = None,
    num_subsets: int = 100,
    with_intervals: bool = True,
) -> dict[str, Figure]:
    """Measure Frechet distance, kernel distance and Inception Score; named apart from the judge's.

    Args:
        real: Inception's features of what the images are compared with.
        look: What Inception sees in the images.
        classes: That the images were asked for; None where they were not.
        num_subsets: Of the kernel distance.
        with_intervals: Whether to spend two minutes on the interval of the Frechet distance.
    """
    figures = measure_distances(
        real, look.features, classes=classes, num_subsets=num_subsets, with_intervals=with_intervals
    )
    figures["inception_score"] = score_clarity(look.probabilities)
    return {f"{PREFIX}{family}": figure for family, figure in figures.items()}


def open_inception_floors(
    reference: Reference,
    inception: Inception,
    real: RealFeatures,
    protocol: Protocol,
    *,
    folder: Path,
    on_progress: Progress | None = None,
) -> dict[str, float]:
    """Return what real images score in the place of generated ones, by family; from the folder, if it is known.

    Args:
        reference: The data.
        inception: Who looks at it.
        real: Features of the images that generated ones are compared with.
        protocol: What is measured.
        folder: Where floors are kept.
        on_progress: Called with images done and images in all, while looking.
    """

    def measure() -> Floors:
        stand_ins, _ = reference.stand_ins(min(protocol.num_samples, reference.dataset.num_images))
        look = inception.look(stand_ins.images, on_progress=on_progress)
        target = real if reference.test is not None else real[reference.halves()[1]]
        figures = measure_inception(target, look, num_subsets=protocol.kernel_subsets, with_intervals=False)
        return Floors({family: figure.value for family, figure in figures.items()})

    path = folder / name_floors(reference, inception.sha256, protocol, "inception")
    return keep_floors(path, measure).overall
