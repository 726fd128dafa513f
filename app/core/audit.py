"""One line for each change that an administrator makes, or is kept from making; written whatever the log's level."""

import contextlib
import os
import pwd
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from app.core.errors import ServiceError
from app.core.logging import get_constant_logger

COMPONENT = "audit"
EVENT = "admin-action"
DONE = "done"
FAILED = "failed"

Value: TypeAlias = str | int | None


@dataclass(slots=True, eq=False)
class Change:
    """One change, as far as it is known while it is made.

    Attributes:
        action: What is done: ``alias-moved``, ``key-revoked``.
        who: Id of the caller's key, or ``cli:`` and the account that ran the command.
        target: What it is done to, in names that were checked.
        before: What it was; None for nothing, or where that is not known.
        after: What it is to be.
    """

    action: str
    who: str
    target: str
    before: Value = None
    after: Value = None


@contextlib.contextmanager
def record_change(change: Change) -> Iterator[Change]:
    """Write the line of a change when it is made, or has failed; the log adds the id of the request.

    Its ``outcome`` is ``done``, the code of the error that it was refused with, or else ``failed``.
    """
    try:
        yield change
    except BaseException as error:
        _write(change, error.code if isinstance(error, ServiceError) else FAILED)
        raise
    _write(change, DONE)


def name_account() -> str:
    """Name the account that runs a command, as audit lines have it."""
    uid = os.getuid()
    try:
        return f"cli:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"cli:{uid}"


def _write(change: Change, outcome: str) -> None:
    line = {
        "action": change.action,
        "who": change.who,
        "target": change.target,
        "from": change.before,
        "to": change.after,
        "outcome": outcome,
    }
    if structlog.is_configured():
        get_constant_logger(COMPONENT).info(EVENT, **line)
    else:
        _write_alone(line)


def _write_alone(line: dict[str, Value]) -> None:
    """Write a line in a process that keeps no log: a command, whose standard output is its answer."""
    logger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        component=COMPONENT,
    )
    logger.info(EVENT, **line)
