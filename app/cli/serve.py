"""``fount serve``: the HTTP process, with its worker."""

from __future__ import annotations

import logging
import signal
import socket
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli.console import err_console, fail
from app.core.errors import ConfigurationError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.core.settings import Settings

BACKLOG = 2048


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
    from app.core.logging import configure_logging
    from app.core.settings import check_exposure, load_settings

    try:
        settings = load_settings(
            http=_given(host=host, port=port, insecure=insecure or None),
            repository=_given(url=repository),
            worker=_given(device=device, threads=threads),
            log=_given(level=log_level),
        )
        check_exposure(settings)
        configure_logging(settings.log)
        app = _create(settings)
        listener = _listen(settings.http.host, settings.http.port)
    except ConfigurationError as error:
        fail(error)
    with listener:
        _run(app, settings, listener)


def _create(settings: Settings) -> FastAPI:
    from app.main import create_app  # only now: bad settings are told sooner

    return create_app(settings)


def _given(**options: Any) -> dict[str, Any]:
    """Keep the options that were given: the others come from the environment."""
    return {name: value for name, value in options.items() if value is not None}


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is started, so that a taken one is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}", setting="http.port") from error


def _run(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    from app.api.protocol import BoundedProtocol

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _announce(app, settings, listener)

    _forward_logs()
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.http.keep_alive_s,
        timeout_graceful_shutdown=settings.http.shutdown_grace_s,
    )
    server = Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # the server raises its signals again when done: the end is orderly
    server.run(sockets=[listener])
    if not server.started:
        fail("the service did not start; the log above says why")


def _announce(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    names = ", ".join(app.state.services.engine.catalog.names()) or "none yet"
    err_console.print(
        f"Fount serves on http://{shown}:{port} · docs at http://{shown}:{port}/docs · models: {names}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if settings.http.insecure and not settings.has_keys:
        err_console.print("anybody who reaches this address may use it: no keys are set", style="yellow")


def _forward_logs() -> None:
    """Send what the server logs through our own log, except errors that were logged where they happened."""
    from app.api.gate import AnswerAbortedError
    from app.core.logging import get_logger

    log = get_logger("server")

    class Forwarder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and isinstance(record.exc_info[1], AnswerAbortedError):
                return
            log.log(record.levelno, record.getMessage().strip(), exc_info=record.exc_info)

    root = logging.getLogger()
    root.handlers = [Forwarder()]
    root.setLevel(logging.WARNING)
