"""``fount verify``: whether image files are samples of Fount, as the service says, with one or without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from app.cli.console import FAILED, console, plain, print_json
from app.cli.remote import Url, check_answer, open_service, refuse_both
from app.cli.stopping import run_until_stopped

if TYPE_CHECKING:
    from app.core.settings import Settings
    from app.schemas.verifications import VerificationAnswer

EPILOG = """Examples:

`fount verify seven.png`

`fount verify digits/7/*.png --json`

`fount verify seven.png --url http://127.0.0.1:8000`

Each sample is computed again, and compared. Exit code 0: all files are samples of Fount, 1: not all are."""

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE…", exists=True, dir_okay=False, readable=True, help="Images, as they were received."),
]
Repository = Annotated[str | None, typer.Option("--repository", metavar="URL", help="Where the models are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")]

_STYLES = {True: "green", False: "red", None: "yellow"}


def verify(files: Files, repository: Repository = None, url: Url = None, as_json: AsJson = False) -> None:
    """Say whether images are samples of Fount, by computing the samples again."""
    from app.core.logging import configure_logging
    from app.core.settings import LogSettings, load_settings

    refuse_both(url, repository)
    settings = load_settings(repository={"url": repository} if repository else {})
    configure_logging(LogSettings(level="error"))
    answers = _ask(url, files) if url else run_until_stopped(_verify(settings, files), "stopped")
    if as_json:
        print_json({"files": [_describe(path, answer) for path, answer in zip(files, answers, strict=True)]})
    else:
        for path, answer in zip(files, answers, strict=True):
            _print(path, answer)
    if not all(answer.made_by_fount for answer in answers):
        raise typer.Exit(FAILED)


def _ask(url: str, files: list[Path]) -> list[VerificationAnswer]:
    from app.schemas.verifications import VerificationAnswer

    answers = []
    with open_service(url) as client:
        for path in files:
            answer = client.post("/v1/verifications", files={"image": path.read_bytes()})
            check_answer(answer)
            answers.append(VerificationAnswer.model_validate_json(answer.content))
    return answers


async def _verify(settings: Settings, files: list[Path]) -> list[VerificationAnswer]:
    """Ask the service's own function, in an application that listens nowhere."""
    import asyncio

    from app.api.verifying import verify
    from app.main import create_app
    from app.serving.admission import ANY_TIME

    app = create_app(settings)

    async def stay() -> dict[str, Any]:
        await asyncio.Event().wait()  # nobody leaves
        return {}

    async with app.router.lifespan_context(app):
        return [await verify(path.read_bytes(), app.state.services, stay, ANY_TIME) for path in files]


def _describe(path: Path, answer: VerificationAnswer) -> dict[str, Any]:
    return {"file": str(path), **answer.model_dump(mode="json")}


def _print(path: Path, answer: VerificationAnswer) -> None:
    sample = answer.sample
    which = f" ({sample.model}, seed {sample.seed}, index {sample.index})" if sample else ""
    mark = Text(answer.verdict, style=_STYLES[answer.made_by_fount])
    console.print(Text.assemble(mark, "  ", plain(f"{path}{which}: {answer.detail}")), soft_wrap=True)
