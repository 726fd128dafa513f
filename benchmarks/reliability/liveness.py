"""Whether the service answers at every moment: starts ``canary.py`` beside a measurement and reads what it saw."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from reliability.report import Bar, at_most

LIVENESS_MS = 250.0
_SCRIPT = Path(__file__).with_name("canary.py")
_END_S = 60.0


class Liveness:
    """What canaries saw; one for each life of the service."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def watch(self, port: int) -> Iterator[None]:
        """Keep a canary on a port meanwhile."""
        command = [sys.executable, "-I", "-S", str(_SCRIPT), str(port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield
            finally:
                told, _ = process.communicate(timeout=_END_S)  # closes its input, which ends it
                self.seen.append(json.loads(told))

    @property
    def worst_ms(self) -> float:
        """Return the slowest answer of all, in milliseconds."""
        return max((one["worst_ms"] for one in self.seen), default=0.0)

    def bars(self, *, bound_ms: float = LIVENESS_MS) -> list[Bar]:
        """Set the bars of liveness."""
        return [
            at_most("slowest answer of /livez", self.worst_ms, bound_ms, "ms"),
            at_most("questions to /livez without an answer", _add_up(self.seen, "broken"), 0),
        ]

    def figures(self) -> dict[str, Any]:
        """Return what else was seen."""
        slow = [pair for one in self.seen for pair in one["slow"]]
        p99 = max((one["p99_ms"] for one in self.seen), default=0.0)
        return {"liveness": {"asked": _add_up(self.seen, "asked"), "p99_ms": p99, "slow_at_s_and_ms": slow}}


def _add_up(seen: Iterable[dict[str, Any]], name: str) -> int:
    return sum(one[name] for one in seen)
