"""Structured logs on standard error: one line per event, bound context (request id) included."""

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, cast

import structlog

from app.core.settings import LogSettings

Logger = structlog.stdlib.BoundLogger

_TALKATIVE = ("python_multipart",)  # warns of each form that is none: callers could fill the log

_ANY_LEVEL = structlog.make_filtering_bound_logger(logging.NOTSET)


def configure_logging(settings: LogSettings, **facts: str | int) -> None:
    """Set up structlog for this process; call once, at start.

    Args:
        settings: What is written, and how.
        **facts: What every line of this process says besides, such as its name.
    """
    # Plain tracebacks: others print local variables, and one may hold a key.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer() if writes_json(settings) else console
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([_Adding(facts)] if facts else []),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=_StandardError()),  # type: ignore[arg-type]  # all it needs
        cache_logger_on_first_use=False,
    )


def writes_json(settings: LogSettings) -> bool:
    """Tell whether lines are JSON."""
    return settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())


def get_logger(name: str) -> Logger:
    """Return a logger whose lines carry ``component=name``."""
    return cast("Logger", structlog.get_logger(component=name))


def get_constant_logger(name: str) -> Logger:
    """Return a logger whose lines are written whatever the level: they are records, not news."""
    return cast("Logger", structlog.wrap_logger(None, wrapper_class=_ANY_LEVEL, component=name))


def take_over_logs() -> None:
    """Send what libraries log, warn of and die of through our own log, so that every line can be read by machines."""
    root = logging.getLogger()
    root.handlers = [_Forwarder()]
    root.setLevel(logging.WARNING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("default")
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_end
    threading.excepthook = _log_end_of_thread


class _StandardError:
    """Standard error as it is now; a line that nobody takes, on a full disk or a broken pipe, fails no request."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


class _Adding:
    """Adds the same facts to every line."""

    def __init__(self, facts: Mapping[str, str | int]) -> None:
        self._facts = facts

    def __call__(self, _: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**self._facts, **line}


class _Forwarder(logging.Handler):
    """Writes records of the standard library's loggers."""

    def emit(self, record: logging.LogRecord) -> None:
        get_logger(record.name).log(record.levelno, record.getMessage().strip(), exc_info=record.exc_info)


def _log_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    get_logger("process").critical("process-failed", exc_info=(kind, error, trace))


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        _log_end(ended.exc_type, ended.exc_value, ended.exc_traceback)
