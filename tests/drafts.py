"""Drafts and weights for tests of the repository: no torch, any bytes will do."""

from pathlib import Path

from app.repository.evaluation import EvaluationRecord, Metric
from app.repository.manifest import WEIGHTS_FILE, DatasetInfo, ImageSpec, Manifest, TrainingInfo, utc_now
from app.repository.store import ModelRepository


def make_draft(name: str = "tiny", **changes) -> Manifest:
    facts = {
        "name": name,
        "architecture": "dcgan",
        "hyperparameters": {"base_width": 8},
        "parts": ["generator"],
        "image": ImageSpec(height=8, width=8, channels=1),
        "latent_dim": 8,
        "class_names": ["a", "b"],
        "num_parameters": 1,
        "created": utc_now(),
        "training": make_training(),
    }
    return Manifest(**facts | changes)


def make_training() -> TrainingInfo:
    return TrainingInfo(
        recipe={"steps": 1},
        dataset=DatasetInfo(name="made-up", sha256="0" * 64, num_images=2),
        seed=0,
        steps=1,
        images_seen=2,
        wall_seconds=0.5,
        device="cpu",
        precision="float32",
        versions={},
    )


def make_files(seed: int = 0) -> dict[str, bytes]:
    return {WEIGHTS_FILE: bytes([seed % 256]) * 64, "README.md": b"# tiny\n"}


def publish_draft(
    root: Path | str, name: str = "tiny", *, version: int | None = None, seed: int = 0, **changes
) -> Manifest:
    return ModelRepository(str(root)).publish(make_draft(name, **changes), make_files(seed), version)


def make_record(metrics: dict[str, Metric] | None = None, **changes) -> EvaluationRecord:
    """Make up the figures of a version; ``reference`` and ``judge`` may be changed in part."""
    facts = {
        "protocol": "full",
        "num_samples": 10_000,
        "seed": 0,
        "metrics": metrics or {"fid_10k_test": Metric(value=2.5, interval=(2.4, 2.6), floor=0.8, better="lower")},
        "wall_seconds": 1.0,
    }
    reference = {"name": "made-up", "split": "test", "sha256": "1" * 64, "num_images": 10_000}
    judge = {"description": "a made-up classifier", "accuracy": 0.99, "sha256": "1" * 64}
    nested = {"reference": reference | changes.pop("reference", {}), "judge": judge | changes.pop("judge", {})}
    return EvaluationRecord(**facts | nested | changes)
