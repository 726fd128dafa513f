"""What a check has found, and how a check that breaks is told."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from app.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.settings import Settings


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What, in one word.
        is_well: Whether Fount can serve with it as it is.
        detail: What was seen, in words.
        advice: What to do; may be given though it is well.
    """

    name: str
    is_well: bool
    detail: str
    advice: str = ""


@dataclasses.dataclass(frozen=True)
class Case:
    """What checks are told.

    Attributes:
        settings: As the service would read them here.
        url: Address of a running service; None to look at none.
    """

    settings: Settings
    url: str | None = None


def run_check(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run a check; one that breaks is itself a finding."""
    try:
        yield from check()
    except ServiceError as error:
        yield Finding(name, is_well=False, detail=error.detail)
    except ImportError as error:
        yield Finding(name, is_well=False, detail=str(error), advice="install Fount again: `make run` does")
    except OSError as error:
        yield Finding(name, is_well=False, detail=f"this cannot be looked at: {error.strerror or error}")
