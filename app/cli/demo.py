"""``fount demo``: a service on this machine alone, with the models that are there, and its page in a browser."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.console import console, err_console, fail, plain, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from app.core.settings import Settings

EPILOG = """Examples:

`fount demo`

`fount demo --no-browser --port 8000`

`fount demo --repository ./models --no-browser --json`

Models are looked for in `--repository` or `FOUNT_REPOSITORY__URL`, in `models` here, and beside the package. Where
there are none, one is drawn from a template, and gone when this ends. Ctrl-C ends it; nobody else can reach it."""

TEMPLATE = "shapes"
BESIDE = Path(__file__).parents[2] / "models"
"""Where a checkout has models; an installed package has none."""
TEXT_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port; 0 lets the system choose.")]
OpensBrowser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where to compute.")]
Repository = Annotated[str | None, typer.Option("--repository", metavar="URL", help="Where the models are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print address, models and calls as JSON, once they work.")]


def demo(
    port: Port = 0,
    browser: OpensBrowser = True,
    device: Device = "auto",
    repository: Repository = None,
    as_json: AsJson = False,
) -> None:
    """Serve the models that are there, on this machine alone, and open the page in a browser."""
    from app.cli.serve import open_service, run_service
    from app.core.children import leave_no_core

    leave_no_core()
    with _find_models(repository) as url:
        settings = _choose_settings(url, port, device)
        app, listener = open_service(settings)

        def announce() -> None:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            _tell(address, app.state.services.engine.catalog.names(), as_json=as_json)
            if browser:
                _open_page(address)

        if not as_json:
            err_console.print("starting; the first picture takes some seconds")
        with listener:
            run_service(app, settings, listener, announce)


def _choose_settings(url: str, port: int, device: str) -> Settings:
    """Take the settings of the environment, but for what makes it a demonstration: here, quiet, without keys."""
    from app.core.settings import load_settings

    return load_settings(
        api_key=None,
        keys_file=None,
        http={"host": "127.0.0.1", "port": port, "lame_duck_s": 0.0, "shutdown_grace_s": 5},
        repository={"url": url},
        worker={"device": device},
        log={"level": "error"},
    )


def _find_models(given: str | None) -> AbstractContextManager[str]:
    """Find a repository with models; what was given is taken, or refused."""
    from app.core.settings import load_settings

    if given is not None:
        if not _has_models(given):
            fail(f"no models in {given}", f"`fount template {TEMPLATE} --publish --repository {given}` makes one")
        return contextlib.nullcontext(given)
    places = [load_settings().repository.url, "models", str(BESIDE)]
    found = next(filter(_has_models, places), None)
    return contextlib.nullcontext(found) if found else _draw_model()


def _has_models(url: str) -> bool:
    from app.core.errors import RepositoryError
    from app.repository.store import ModelRepository

    try:
        return bool(ModelRepository(url).list_names())
    except (RepositoryError, OSError):
        return False


@contextlib.contextmanager
def _draw_model() -> Iterator[str]:
    """Publish a model that takes no training, for as long as it is wanted; by a process that may take torch."""
    err_console.print(
        f"no models here: drawing one from the template `{TEMPLATE}`, until this ends; "
        f"`fount template {TEMPLATE} --publish` makes one that stays, `fount train --help` says how to train one",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    with tempfile.TemporaryDirectory(prefix="fount-demo-") as folder:
        place = ["--repository", folder, "--grid", str(Path(folder) / "grid.png")]
        command = [sys.executable, "-m", "app", "template", TEMPLATE, "--publish", *place]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:  # noqa: S603 - our own program
            fail("the model could not be drawn")
        yield folder


def _tell(address: str, models: list[str], *, as_json: bool) -> None:
    """Say where it is, and how a first picture is had there."""
    calls = write_calls(address, "mnist-gan" if "mnist-gan" in models else models[0]) if models else {}
    if as_json:
        print_json({"url": address, "models": models, "calls": calls})
        sys.stdout.flush()
        return
    console.print(
        plain(f"Fount serves {', '.join(models)} on {address} (Ctrl-C ends it)"), style="bold", soft_wrap=True
    )
    for name, call in calls.items():
        console.print(f"\n{name}:", style="cyan")
        print(call)  # as it stands, to be copied
    sys.stdout.flush()


def write_calls(address: str, model: str) -> dict[str, str]:
    """Write three calls for sixty-four samples each, which run as they stand.

    Args:
        address: Of the service.
        model: Name of one it serves.
    """
    body = f'{{"model": "{model}", "num_samples": 64, "seed": 1, "format": "grid"}}'
    kind = "content-type: application/json"
    return {
        "curl": f"curl -s {address}/v1/samples -H '{kind}' -d '{body}' -o samples.png",
        "python": "from app.client import Client\n"
        f'samples = Client("{address}").sample("{model}", num_samples=64, seed=1)\n'
        'samples.save_imagefolder("samples")',
        "cli": f"fount sample {model} -n 64 --seed 1 --url {address} -o samples.png",
    }


def _open_page(address: str) -> None:
    """Open the page, unless only a browser in this very terminal could do so."""
    import threading
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if getattr(browser, "basename", "") not in TEXT_BROWSERS:
        threading.Thread(target=browser.open, args=(f"{address}/",), daemon=True).start()
