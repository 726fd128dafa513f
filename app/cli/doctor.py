"""``fount doctor``: what this machine can do, and what is wrong with it, in words."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from app.cli.console import console, plain, print_json
from app.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.diagnosis.finding import Finding

EPILOG = """Examples:

`fount doctor`

`fount doctor --url http://127.0.0.1:8000 --json`

With `--url`, `FOUNT_API_KEY` is sent where it is set. Exit code 0: nothing keeps Fount from serving, 1: something
does."""


def doctor(
    url: Annotated[str | None, typer.Option(metavar="URL", help="Look at a running service, too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at this machine, the settings and the models; exit status 1 if anything keeps Fount from serving."""
    findings = []
    for finding in _examine(url):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def _examine(url: str | None) -> Iterator[Finding]:
    from app.cli.diagnosis.finding import Case, Finding, run_check
    from app.cli.diagnosis.registry import CHECKS
    from app.core.settings import Settings, load_settings

    try:
        settings = load_settings()
    except ConfigurationError as error:
        advice = "the rest is looked at with the settings that Fount has without any variables"
        yield Finding("settings", is_well=False, detail=error.detail, advice=advice)
        settings = Settings.model_construct()
    for name, check in CHECKS.items():
        yield from run_check(name, partial(check, Case(settings, url)))


def _print(finding: Finding) -> None:
    mark = Text("ok    ", style="green") if finding.is_well else Text("wrong ", style="red")
    console.print(Text.assemble(mark, f"{finding.name:<12}", plain(finding.detail)), soft_wrap=True)
    if finding.advice:
        console.print(Text.assemble(" " * 18, ("hint: ", "cyan"), plain(finding.advice)), soft_wrap=True)
