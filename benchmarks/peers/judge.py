"""Scores a file of samples, whoever made it, with the judge and the figures that Fount uses for its own generators.

10,000 samples are compared with the test split, all of them train the classifier of the accuracy score. Where samples
have labels, those 10,000 have the classes of the test split; 1,000 of each class are looked at beside them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.core.apportionment import apportion
from app.data.dataset import ImageDataset
from app.data.sources import open_dataset
from app.evaluation.arrays import Classes, Features
from app.evaluation.class_order import take_classes
from app.evaluation.classification_accuracy import classification_accuracy_score
from app.evaluation.frechet_distance import frechet_distance
from app.evaluation.judge import Judge, default_cache, open_judge
from app.evaluation.label_agreement import label_agreement
from app.evaluation.manifold import measure_manifolds

NUM_JUDGED = 10_000
NUM_TAUGHT = 25_600


def main() -> None:
    """Score each file, print its figures, and keep them with the record of its run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path, nargs="+", help=".npz with images (N, H, W, C), and labels (N) or none")
    parser.add_argument("--data", required=True, help="the data that was trained on, with a test split")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder of judges")
    parser.add_argument("--results", type=Path, help="folder for one peers-<name>.json per file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    test = open_dataset(arguments.data, split="test")
    judge = open_judge(open_dataset(arguments.data), test, cache=arguments.cache)
    print(f"{judge.description} ({judge.sha256[:12]})")
    real = judge.features(test.images)
    for path in arguments.samples:
        figures = _score(path, judge, test, real)
        print(f"{path.stem}: {json.dumps(figures)}", flush=True)
        if arguments.results:
            _write_record(arguments.results, path, judge, figures)


def _score(path: Path, judge: Judge, test: ImageDataset, real: Features) -> dict[str, float]:
    with np.load(path, allow_pickle=False) as file:
        images = file["images"]
        labels = file["labels"] if "labels" in file.files else None
    rows = _choose(labels, np.bincount(test.labels).tolist()) if labels is not None else np.arange(NUM_JUDGED)
    if min(len(rows), len(images)) < NUM_JUDGED:
        raise ValueError(f"{path} has too few samples: {NUM_JUDGED} in the proportions of the test split are judged")
    features = judge.features(images[rows])
    manifolds = measure_manifolds(real, features)
    figures = {
        "fid_10k_test": frechet_distance(real, features),
        "precision_10k_test": manifolds.precision,
        "recall_10k_test": manifolds.recall,
        "density_10k_test": manifolds.density,
        "coverage_10k_test": manifolds.coverage,
    }
    if labels is not None:
        even = _choose(labels, [1] * len(judge.class_names))
        look = judge.look(images[even])
        agreement = label_agreement(look.classes, labels[even], len(judge.class_names))
        figures |= {
            "fid_balanced_10k_test": frechet_distance(real, look.features),
            "label_agreement_10k": agreement.mean,
            "label_agreement_worst_10k": agreement.worst,
        }
    if labels is not None and len(images) >= NUM_TAUGHT:
        figures["cas_25600"] = classification_accuracy_score(images[:NUM_TAUGHT], labels[:NUM_TAUGHT], test)
    return {name: round(value, 4) for name, value in figures.items()}


def _choose(labels: Classes, shares: list[int]) -> Classes:
    """Return the rows of the first samples of each class that have these shares."""
    return take_classes(labels, apportion(NUM_JUDGED, shares))


def _write_record(folder: Path, path: Path, judge: Judge, figures: dict[str, float]) -> None:
    beside = path.with_suffix(".json")
    run: dict[str, Any] = json.loads(beside.read_text("utf-8")) if beside.is_file() else {}
    seen_by = {"description": judge.description, "accuracy": judge.accuracy, "sha256": judge.sha256}
    folder.mkdir(parents=True, exist_ok=True)
    record = {"name": path.stem, **run, "judge": seen_by, "figures": figures}
    (folder / f"peers-{path.stem}.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
