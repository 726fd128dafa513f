"""``fount template``: pictures drawn by rules, published like any other model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.console import console, plain, print_json
from app.cli.recording import record_publication
from app.cli.references import open_repository

if TYPE_CHECKING:
    from app.generators.template import TemplateGenerator
    from app.repository.manifest import Manifest

EPILOG = """Examples:

`fount template shapes`

`fount template shapes --publish`

`fount template ./my-shapes.toml --name my-shapes --publish`

`fount template shapes --show > my-shapes.toml`

A template is a TOML file that says what is drawn for each class, and how far it varies. Nothing is trained."""

Template = Annotated[
    str, typer.Argument(metavar="TEMPLATE", help="`shapes`, `seven-segment`, `glyph-digits`, or a TOML file.")
]
Name = Annotated[str | None, typer.Option("--name", help="Name of the model; by default that of the template.")]
Grid = Annotated[Path | None, typer.Option("--grid", help="Where to draw some of each class; by default `<name>.png`.")]
Publish = Annotated[bool, typer.Option("--publish", help="Publish it as the next version of the model.")]
Show = Annotated[bool, typer.Option("--show", help="Print the template itself, to be copied and changed.")]
RepositoryUrl = Annotated[str | None, typer.Option("--repository", metavar="URL", help="Where to publish.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def template(
    template: Template,
    name: Name = None,
    grid: Grid = None,
    publish: Publish = False,
    show: Show = False,
    repository: RepositoryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Draw labelled pictures from a template, without training; publish it as a model."""
    from app.training.publishing.template import load_template, read_template

    if show:
        typer.echo(read_template(template), nl=False)
        return
    model = _choose_name(name, template)
    generator = load_template(template)
    path = _draw_grid(generator, grid or Path(f"{model}.png"), model)
    manifest = _publish(generator, repository, model) if publish else None
    facts: dict[str, Any] = {
        "name": model,
        "classes": generator.spec.class_names,
        "image": generator.image.model_dump(include={"height", "width", "channels"}),
        "grid": str(path),
        "version": manifest.version if manifest else None,
        "digest": manifest.digest if manifest else None,
    }
    if as_json:
        print_json(facts)
        return
    if manifest:
        console.print(plain(f"published {manifest.name}@{manifest.version}"))
    else:
        console.print("drawn; the same command with --publish publishes it")
    console.print(plain(f"look at {path}"))


def _choose_name(name: str | None, template: str) -> str:
    from app.schemas.names import is_name

    model = name or Path(template).stem
    if not is_name(model):
        raise typer.BadParameter("use a-z, 0-9, '.', '_' and '-', at most 64 characters", param_hint="--name")
    return model


def _draw_grid(generator: TemplateGenerator, path: Path, name: str) -> Path:
    import json

    from app.generators.sheet import SHEET_SEED
    from app.imaging.codec import encode_png
    from app.training.monitoring.preview import draw_preview

    mark = json.dumps({"model": name, "seed": SHEET_SEED})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(draw_preview(generator, seed=SHEET_SEED), mark))
    return path


def _publish(generator: TemplateGenerator, repository: str | None, name: str) -> Manifest:
    from app.training.publishing.template import publish_template

    store = open_repository(repository)
    return record_publication(name, lambda: publish_template(store, name, generator))
