"""``fount openapi``: the interface's description, without starting anything."""

import typer

EPILOG = "Example: `fount openapi > openapi.json`"


def openapi() -> None:
    """Print the OpenAPI document of the HTTP interface as JSON."""
    import json

    from app.core.settings import Settings
    from app.main import create_app

    typer.echo(json.dumps(create_app(Settings()).openapi(), indent=2))
