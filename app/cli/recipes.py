"""``fount recipes``: the training runs that come with Fount."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from app.cli.console import console, plain, print_json
from app.cli.references import complete_recipes

recipes_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="List and show the training recipes that come with Fount.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@recipes_app.command("list", epilog="Example: `fount recipes list`")
def list_all(as_json: AsJson = False) -> None:
    """List the recipes."""
    from app.training.config import list_recipes, load_config

    configs = {name: load_config(name) for name in list_recipes()}
    if as_json:
        print_json({"recipes": [{"name": name, "description": c.description} for name, c in configs.items()]})
        return
    table = Table(box=SIMPLE)
    for heading in ("recipe", "architecture", "objective", "description"):
        table.add_column(heading)
    for name, config in configs.items():
        table.add_row(name, config.model.architecture, config.objective.name, plain(config.description))
    console.print(table)


@recipes_app.command("show", epilog="Example: `fount recipes show mnist > my-own.toml`")
def show(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A name from the list.", autocompletion=complete_recipes)
    ],
    as_json: AsJson = False,
) -> None:
    """Print a recipe, to be copied and changed."""
    from app.training.config import load_config, read_recipe

    if as_json:
        print_json(load_config(recipe).model_dump(mode="json"))
    else:
        typer.echo(read_recipe(recipe), nl=False)
