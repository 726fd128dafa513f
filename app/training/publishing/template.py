"""Templates: read from TOML, and published as versions like any other, with nothing to train."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.core.errors import RecipeError
from app.generators.checkpoint import GENERATOR, dump_weights
from app.generators.sheet import SHEET_SEED
from app.generators.template import TemplateConfig, TemplateGenerator
from app.imaging.codec import encode_png
from app.repository.manifest import (
    CARD_FILE,
    GRID_FILE,
    WEIGHTS_FILE,
    DatasetInfo,
    Manifest,
    TrainingInfo,
    utc_now,
)
from app.repository.store import ModelRepository
from app.training.monitoring.preview import draw_preview
from app.training.publishing.provenance import find_commit, list_versions

MAX_TEMPLATE_BYTES = 2**18

_TEMPLATES = "app.training.templates"

_CARD = """---
library_name: fount
pipeline_tag: unconditional-image-generation
{license_line}tags:
  - template
  - synthetic
---

# {name}

{summary}

![Samples of seed 0, one row per class](grid.png)

| | |
|---|---|
| image | {width} x {height}, {colour} |
| classes | {classes} |
| architecture | `template`: drawn by rules, nothing was trained, no image was looked at |

## Limits

These pictures vary in what the template varies and in nothing else. A classifier that does well on them has learned the
template; look at real images before you trust it.

## Draw it again

The whole template, with every default filled in, is `hyperparameters.template` in `manifest.json`.
"""


def list_templates() -> list[str]:
    """Name the templates that come with Fount."""
    files = resources.files(_TEMPLATES).iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_template(template: str) -> str:
    """Return the text of a template: a name from ``list_templates``, or a path to a TOML file.

    Raises:
        RecipeError: If there is none.
    """
    if template in list_templates():
        return resources.files(_TEMPLATES).joinpath(f"{template}.toml").read_text("utf-8")
    path = Path(template)
    if path.suffix != ".toml" or not path.is_file():
        raise RecipeError(f"no template `{template}`: give a .toml file or one of {', '.join(list_templates())}")
    if path.stat().st_size > MAX_TEMPLATE_BYTES:
        raise RecipeError(f"template `{template}` is larger than {MAX_TEMPLATE_BYTES // 1024} KiB")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError(f"template `{template}` is not UTF-8") from error


def load_template(template: str) -> TemplateGenerator:
    """Read a template and build what draws it.

    Args:
        template: Name or path, as for ``read_template``.

    Raises:
        RecipeError: If there is none, or it is not valid; says which key.
    """
    try:
        document = tomllib.loads(read_template(template))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"template `{template}` is not TOML: {error}") from error
    config = parse_template(document)
    return TemplateGenerator(config, config.create_space())


def parse_template(document: Mapping[str, Any]) -> TemplateConfig:
    """Check a template; its ``pen`` fills in what the pens of classes leave out.

    Raises:
        RecipeError: Naming the first bad key and its bound.
    """
    rest = dict(document)
    pen, classes = rest.pop("pen", {}), rest.get("classes")
    if not isinstance(pen, dict):
        raise RecipeError("pen: a table of values is expected")
    if isinstance(classes, list):
        rest["classes"] = [_fill_in(drawn, pen) for drawn in classes]
    try:
        return TemplateConfig.model_validate({"template": rest})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        raise RecipeError(f"{where or 'template'}: {first['msg']}") from error


def publish_template(repository: ModelRepository, name: str, generator: TemplateGenerator) -> Manifest:
    """Publish a template as the next version of a model.

    Raises:
        RepositoryError: If the repository cannot be written.
    """
    draft = _create_draft(name, generator)
    grid = draw_preview(generator, seed=SHEET_SEED)
    files = {
        WEIGHTS_FILE: dump_weights({GENERATOR: generator}),
        GRID_FILE: encode_png(grid, json.dumps({"model": name, "seed": SHEET_SEED})),
        CARD_FILE: _write_card(draft, generator).encode(),
    }
    return repository.publish(draft, files)


def _fill_in(drawn: Any, pen: Mapping[str, Any]) -> Any:
    own = drawn.get("pen", {}) if isinstance(drawn, dict) else None
    return {**drawn, "pen": {**pen, **own}} if isinstance(own, dict) else drawn


def _create_draft(name: str, generator: TemplateGenerator) -> Manifest:
    spec, space = generator.spec, generator.space
    document = spec.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return Manifest(
        name=name,
        architecture="template",
        hyperparameters={"rules": 1, "template": document},
        parts=[GENERATOR],
        image=space.image,
        latent_dim=space.latent_dim,
        latent_prior=space.latent_prior,
        class_names=spec.class_names,
        num_parameters=sum(parameter.numel() for parameter in generator.parameters()),
        created=utc_now(),
        license=spec.license,
        training=TrainingInfo(
            recipe={},
            dataset=DatasetInfo(name="none: drawn from a template", sha256=digest, num_images=0),
            seed=0,
            steps=0,
            images_seen=0,
            wall_seconds=0.0,
            device="none",
            precision="float32",
            versions=list_versions(),
            git_commit=find_commit(),
        ),
    )


def _write_card(manifest: Manifest, generator: TemplateGenerator) -> str:
    return _CARD.format(
        name=manifest.name,
        summary=generator.spec.description or "Pictures drawn from a template.",
        license_line=f"license: {manifest.license}\n" if manifest.license else "",
        width=manifest.image.width,
        height=manifest.image.height,
        colour="RGB" if manifest.image.channels > 1 else "grey",
        classes=f"{manifest.num_classes}: " + ", ".join(f"`{name}`" for name in manifest.class_names[:20]),
    )
