"""Structured logs on standard error: one line per event, bound context (request id) included."""

import logging
import sys
from typing import cast

import structlog

from app.core.settings import LogSettings

Logger = structlog.stdlib.BoundLogger


def configure_logging(settings: LogSettings) -> None:
    """Set up structlog for this process; call once, at start."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    # Plain tracebacks: others print local variables, and one may hold a key.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer() if as_json else console
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Logger:
    """Return a logger whose lines carry ``component=name``."""
    return cast("Logger", structlog.get_logger(component=name))
