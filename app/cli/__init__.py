"""The command line: one file per verb, imported only when its verb is used."""

from app.cli.verbs import app, main

__all__ = ["app", "main"]
