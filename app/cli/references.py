"""Which version a word of the command line means; and what words there are, for the shell to complete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from app.core.errors import ModelNotFoundError, ServiceError
from app.schemas.names import is_name, split_reference

if TYPE_CHECKING:
    from app.repository.store import ModelRepository


def open_repository(url: str | None) -> ModelRepository:
    """Open the repository at a URL, or the one that the settings name."""
    from app.core.settings import load_settings
    from app.repository.store import ModelRepository

    return ModelRepository(url or load_settings().repository.url)


def read_reference(reference: str, argument: str) -> tuple[str, str | None]:
    """Take ``name``, ``name@3`` or ``name@alias`` apart.

    Args:
        reference: The word.
        argument: Where it stood, for the complaint.

    Raises:
        typer.BadParameter: If it is written otherwise.
    """
    try:
        return split_reference(reference)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=argument) from None


def find_version(store: ModelRepository, reference: str, argument: str) -> tuple[str, int]:
    """Return the name and the number of the version that is meant.

    Raises:
        typer.BadParameter: If the reference is not written as one.
        NotFoundError: If there is none; names those that there are.
    """
    name, selector = read_reference(reference, argument)
    try:
        return name, store.resolve(name, selector)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(error.detail, models=store.list_names()) from None


def complete_models(incomplete: str) -> list[str]:
    """List the models in the folder of the settings that begin so; none of a URL, which may be slow to ask."""
    from app.core.places import find_folder
    from app.core.settings import load_settings

    try:
        folder = find_folder(load_settings().repository.url)
        entries = sorted(Path(folder).expanduser().iterdir()) if folder else []
    except (ServiceError, OSError):
        return []
    return [path.name for path in entries if path.name.startswith(incomplete) and is_name(path.name) and path.is_dir()]


def complete_recipes(incomplete: str) -> list[str]:
    """List the recipes that come with Fount and begin so, without reading them."""
    folder = Path(__file__).parents[1] / "training" / "recipes"
    return sorted(path.stem for path in folder.glob("*.toml") if path.stem.startswith(incomplete))
