"""The model card: a README.md with Hugging Face metadata, written from the manifest alone."""

import json
from collections.abc import Mapping
from typing import Any

from app.repository.manifest import Manifest
from app.training.publishing.quality import write_quality

_TEMPLATE = """---
library_name: fount
pipeline_tag: unconditional-image-generation
{license_line}tags:
  - {architecture}
  - synthetic
---

# {name}

{summary}

![Samples of seed 0, {grid_order}](grid.png)

| | |
|---|---|
| image | {width} x {height}, {colour} |
| classes | {classes} |
| architecture | `{architecture}`, {parameters:,} parameters in the generator, {latent_dim} latent numbers |
| objective | `{objective}`{penalties} |
| data | {dataset}: {num_images:,} images, sha256 `{dataset_digest}` |
| training | {steps:,} steps of {batch_size}: {images_seen:,} images seen |
| took | {wall_seconds:,.0f} s on {device}, {precision} |

{usage}
{quality}
## Limits

Samples are synthetic, and follow the data that the generator was trained on with all its gaps. A class label says what
the generator was asked for; look before you train on it. No figure of quality is claimed here that `evaluation` in
`manifest.json` does not hold.

## Train it again

{curves}The complete recipe, with every default filled in, is `training.recipe` in `manifest.json`.
"""

_CURVES = "![Losses and figures over the run](curves.png)\n\n"

_USAGE = """## Use it

```sh
curl -s -X POST http://127.0.0.1:8000/v1/samples -H 'content-type: application/json' \\
  -d '{body}' -o samples.png
```
"""


def write_card(manifest: Manifest, *, has_curves: bool = False) -> str:
    """Write the card of a version that is about to be published, perhaps with its training curves."""
    training, recipe = manifest.training, manifest.training.recipe
    objective = recipe["objective"]
    body = {"model": manifest.name, "num_samples": 64, "seed": 1, "format": "grid"}
    return _TEMPLATE.format(
        name=manifest.name,
        summary=recipe["description"] or f"Images like those of {training.dataset.name}, made up.",
        license_line=f"license: {manifest.license}\n" if manifest.license else "",
        architecture=manifest.architecture,
        parameters=manifest.num_parameters,
        latent_dim=manifest.latent_dim,
        width=manifest.image.width,
        height=manifest.image.height,
        colour="RGB" if manifest.image.channels > 1 else "grey",
        classes=_list_classes(manifest),
        grid_order="one row per class" if manifest.num_classes else "in order",
        objective=objective["name"],
        penalties=_list_penalties(objective),
        dataset=training.dataset.name,
        num_images=training.dataset.num_images,
        dataset_digest=training.dataset.sha256[:16],
        steps=training.steps,
        batch_size=recipe["schedule"]["batch_size"],
        images_seen=training.images_seen,
        wall_seconds=training.wall_seconds,
        device=training.device,
        precision=training.precision,
        usage=_USAGE.format(body=json.dumps(body)),
        quality=write_quality(manifest),
        curves=_CURVES if has_curves else "",
    )


def _list_penalties(objective: Mapping[str, Any]) -> str:
    if objective["name"] == "wasserstein_gp":
        return f", gradient penalty {objective['gradient_penalty']:g}, {objective['critic_steps']} critic steps"
    weights = {"R1": objective.get("r1_gamma"), "R2": objective.get("r2_gamma")}
    return "".join(f", {name} gamma {gamma:g}" for name, gamma in weights.items() if gamma)


def _list_classes(manifest: Manifest) -> str:
    names = manifest.class_names
    if not names:
        return "none: unconditional"
    shown = ", ".join(f"`{name}`" for name in names[:20])
    return f"{len(names)}: {shown}{', …' if len(names) > 20 else ''}"  # noqa: PLR2004 - as many as fit a line
