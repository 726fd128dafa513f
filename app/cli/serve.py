"""``fount serve``: the HTTP process, with its worker."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli.console import err_console, fail
from app.core.errors import ConfigurationError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from app.core.settings import Settings


EPILOG = """Examples:

`fount serve`

`fount serve --port 8001 --repository ./models`

`FOUNT_KEYS_FILE=keys.json fount serve --host 0.0.0.0`

All settings are variables, too: `FOUNT_HTTP__PORT=8001`. Exit code: 0 after Ctrl-C or SIGTERM, 1 if it cannot serve."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port; 0 lets the system choose.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Serve others without keys.")] = False,
    repository: Annotated[str | None, typer.Option(metavar="URL", help="Folder or fsspec URL of the models.")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where to compute.")] = None,
    threads: Annotated[int | None, typer.Option(help="Compute threads; 0: one per core.")] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None, typer.Option(help="Lowest level logged.")
    ] = None,
) -> None:
    """Serve samples over HTTP until SIGTERM or Ctrl-C; running answers are finished first."""
    from app.core.children import leave_no_core
    from app.core.settings import check_exposure, load_settings

    leave_no_core()
    try:
        settings = load_settings(
            http=_given(host=host, port=port, insecure=insecure or None),
            repository=_given(url=repository),
            worker=_given(device=device, threads=threads),
            log=_given(level=log_level),
        )
        check_exposure(settings)
        app, listener = open_service(settings)
    except ConfigurationError as error:
        fail(error, hint=_name_variable(error))
    with listener:
        run_service(app, settings, listener, lambda: _announce(app, settings, listener))


def open_service(settings: Settings) -> tuple[FastAPI, socket.socket]:
    """Make the application, and take its port, so that a taken one is told before anything is started.

    Raises:
        ConfigurationError: If keys, repository or port are of no use.
    """
    from app.core.logging import configure_logging

    _check_files(settings)
    configure_logging(settings.log)
    return _create(settings), _listen(settings.http.host, settings.http.port)


def _create(settings: Settings) -> FastAPI:
    from app.main import create_app  # only now: bad settings are told sooner

    return create_app(settings)


def _check_files(settings: Settings) -> None:
    """Refuse keys and a repository that are of no use, before all that takes longer; a folder may come later."""
    from app.api.keys import KeyRing
    from app.core.places import find_folder
    from app.repository.reading import open_storage

    KeyRing(settings)
    url = settings.repository.url
    open_storage(url)
    path = Path(find_folder(url) or ".").expanduser()
    if path.exists() and not (path.is_dir() and os.access(path, os.R_OK | os.X_OK)):
        raise ConfigurationError("the model repository is not a folder that can be read", setting="repository.url")


def _name_variable(error: ConfigurationError) -> str | None:
    """Say which variable an error is about, unless it does so itself."""
    setting = str(error.fields.get("setting", ""))
    variable = setting if setting.startswith("FOUNT_") else f"FOUNT_{setting.replace('.', '__')}".upper()
    return None if not setting or variable in error.detail else f"the setting is `{variable}`"


def _given(**options: Any) -> dict[str, Any]:
    """Keep the options that were given: the others come from the environment."""
    return {name: value for name, value in options.items() if value is not None}


def _listen(host: str, port: int) -> socket.socket:
    from app.api.wire.server import BACKLOG

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}", setting="http.port") from error


def run_service(app: FastAPI, settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until a signal comes.

    Args:
        app: The application.
        settings: Its settings.
        listener: Bound, and listening.
        announce: Called when requests are answered.

    Raises:
        typer.Exit: With 1, if the service does not start.
    """
    from app.api.services import Services
    from app.api.wire.door import Door
    from app.api.wire.limits import Limits
    from app.api.wire.server import Server
    from app.core.descriptors import fit_connections

    services: Services = app.state.services
    connections, reserve = fit_connections(settings.http.connections)
    if connections < settings.http.connections:
        _tell(f"no more than {connections} connections: files are limited (ulimit -n)", settings, style="yellow")
    limits = Limits.of(settings, connections=connections, reserve=reserve)
    _forward_logs()
    server = Server(
        app,
        settings.http,
        Door(limits, services.metrics.count_request),
        on_started=announce,
        on_leaving=services.engine.leave,
    )
    services.metrics.watch_connections(lambda: server.num_connections)
    try:
        server.run(listener)
    except ServiceError as error:
        fail(error, hint="the log above says more")


def _announce(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    names = ", ".join(app.state.services.engine.catalog.names()) or "none yet"
    _tell(f"Fount serves on http://{shown}:{port} · docs at http://{shown}:{port}/docs · models: {names}", settings)
    if settings.http.insecure and not settings.has_keys:
        _tell("anybody who reaches this address may use it: no keys are set", settings, style="yellow")


def _tell(sentence: str, settings: Settings, style: str | None = None) -> None:
    """Say something that is said whatever the level of the log: a line of it where machines read them."""
    from app.core.logging import get_constant_logger, writes_json

    if writes_json(settings.log):
        get_constant_logger("serve").info(sentence)
    else:
        err_console.print(sentence, style=style, highlight=False, markup=False, soft_wrap=True)


def _forward_logs() -> None:
    """Send what the server logs through our own log, except errors that were logged where they happened."""
    from app.api.gate import AnswerAbortedError
    from app.core.logging import get_logger, take_over_logs

    take_over_logs()

    log = get_logger("server")

    class Forwarder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and isinstance(record.exc_info[1], AnswerAbortedError):
                return
            log.log(record.levelno, record.getMessage().strip(), exc_info=record.exc_info)

    logging.getLogger().handlers = [Forwarder()]
