"""Renders ``docs/manifest.md`` from the schema of the manifest, and from one that is shipped."""

import json
from pathlib import Path
from typing import Any

from app.api.docs.fields import SchemaReader
from app.repository.manifest import Manifest
from tests.golden.http_pages import cell

EXAMPLE = Path(__file__).resolve().parents[2] / "models" / "mnist-gan" / "2" / "manifest.json"
INTRODUCTION = """\
# The manifest

A version is a folder: `models/NAME/VERSION/`. `manifest.json` says all about it, and is written once.

| file | holds |
|---|---|
| `manifest.json` | the fields below: JSON, keys sorted, at most 1 MiB, byte for byte as Fount writes it |
| `weights.safetensors` | the parts, each tensor under the name of its part; float32 and int64 alone |
| `README.md` | the model card, with Hugging Face metadata |
| `grid.png` | the contact sheet, which is also [compared when the version is loaded](versions.md#golden-samples) |
| `curves.png` | what was measured while it was trained, where it was |

Beside the versions of a model, `aliases.json` (schema `fount-aliases/1`) says which version each alias stands for, and
which it stood for before. `digest` is the SHA-256 of the manifest without this field, followed by the weights: the
identity of the version, in the address of everything that is made with it. A manifest that was changed by a byte is
refused.

Fields that are added later are optional, so that the digests of what was published stay. Whether a version may be
loaded is told in [life of a version](versions.md#checks).

## Fields
"""
SHOWN = ("schema", "name", "version", "architecture", "hyperparameters", "parts", "image", "latent_dim", "class_names")

MEANINGS = {
    "schema": "Which fields there are.",
    "name": "Of the model.",
    "version": "Its number.",
    "architecture": "[Family](families.md) of the networks.",
    "hyperparameters": "Of the networks; what is left out has its default.",
    "parts": "What the weights hold.",
    "image.height": "Pixels.",
    "image.width": "Pixels.",
    "image.channels": "Grey or RGB.",
    "image.value_range": "What the generator's numbers for black and white are.",
    "latent_dim": "How many numbers a sample is made from.",
    "latent_prior": "What these are drawn from.",
    "class_names": "By class number; none for a model without classes.",
    "num_parameters": "Of all parts.",
    "created": "When it was published, with a time zone.",
    "license": "Of the weights.",
    "training.recipe": "The whole configuration of the run.",
    "training.dataset.name": "Of the data.",
    "training.dataset.sha256": "Of its images, labels and class names ([how](training-data.md#the-digest)).",
    "training.dataset.num_images": "In the training split.",
    "training.dataset.class_counts": "Images of each class.",
    "training.seed": "Of the run.",
    "training.steps": "Steps of the generator.",
    "training.images_seen": "Real images, each as often as it was shown.",
    "training.wall_seconds": "How long it took.",
    "training.device": "What it was trained on.",
    "training.precision": "Of the networks while they were trained.",
    "training.versions": "Of Python, torch and the rest.",
    "training.git_commit": "Of Fount.",
    "evaluation": "Figures with protocol, intervals, floors and the judge ([evaluation](evaluation.md)).",
    "files": "SHA-256 and size of each file.",
    "digest": "Identity of the version; a draft has none.",
}


def render_manifest() -> str:
    """Render the whole page."""
    schema = Manifest.model_json_schema()
    reader = SchemaReader({"components": {"schemas": schema["$defs"]}})
    rows = [_row(one) for one in reader.fields(schema, "body")]
    example = {name: value for name, value in json.loads(EXAMPLE.read_text(encoding="utf-8")).items() if name in SHOWN}
    return "\n".join(
        [
            INTRODUCTION,
            "| field | type | meaning |",
            "|---|---|---|",
            *rows,
            "",
            "## An example, in part",
            "",
            "```json",
            json.dumps(example, indent=2),
            "```",
            "",
            "Rendered from `app/repository/manifest.py` by `make golden`.",
            "",
        ]
    )


def _row(field: Any) -> str:
    bounds = f"{field.bounds[:1].upper()}{field.bounds[1:]}." if field.bounds else ""
    meaning = " ".join(text for text in (MEANINGS.get(field.name) or field.description, bounds) if text)
    return f"| `{field.name}` | {cell(field.kind)}{', required' if field.is_required else ''} | {cell(meaning)} |"
