"""Many clients that ask all the time, each on its own connection, and what came of their requests."""

import collections
import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from serving.load import quantile

from reliability.asks import Ask
from reliability.caller import Answer, Caller, Kind
from reliability.report import Bar, at_most
from reliability.service import wait_for

_MAX_TOLD = 10
_MAX_WAIT_S = 1.0
_SETTLE_S = 120.0


class Tally:
    """What came of requests; several threads may add to it."""

    def __init__(self) -> None:
        self.kinds: collections.Counter[Kind] = collections.Counter()
        self.seconds: list[float] = []
        self.failures: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, ask: Ask, answer: Answer) -> Kind:
        """Judge one answer and count it."""
        kind = answer.judge(ask)
        with self._lock:
            self.kinds[kind] += 1
            if kind == "right":
                self.seconds.append(answer.seconds)
            elif kind not in {"refused", "shut"} and len(self.failures) < _MAX_TOLD:
                self.failures.append(_describe(kind, ask, answer))
        return kind

    def bars(self) -> list[Bar]:
        """Set the bars: no request is lost, answered twice or answered wrongly."""
        return [
            at_most("requests lost", self.kinds["lost"], 0),
            at_most("requests answered twice", self.kinds["doubled"], 0),
            at_most("answers of other bytes", self.kinds["wrong"], 0),
        ]

    def figures(self) -> dict[str, Any]:
        """Return what else there is to tell."""
        return {
            "answers": dict(self.kinds),
            "latency_ms": {
                "p50": 1000 * quantile(self.seconds, 0.5),
                "p99": 1000 * quantile(self.seconds, 0.99),
                "worst": 1000 * max(self.seconds, default=0.0),
            },
            "failures": self.failures,
        }


class Crowd:
    """Clients in threads.

    Args:
        port: Of the service.
        streams: Makes the requests of each client; it ends with them.
        tally: What is counted.
        until_shut: Whether a client ends when nobody listens any more; else it tries again.
    """

    def __init__(self, port: int, streams: Iterable[Iterable[Ask]], tally: Tally, *, until_shut: bool = False) -> None:
        self._port = port
        self._tally = tally
        self._until_shut = until_shut
        self._over = threading.Event()
        self._may_ask = threading.Event()
        self._began: dict[int, float] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(number, stream), daemon=True)
            for number, stream in enumerate(streams)
        ]

    @contextlib.contextmanager
    def asking(self) -> Iterator["Crowd"]:
        """Let them ask meanwhile; their last answers are awaited."""
        self._may_ask.set()
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self.end()

    def end(self) -> None:
        """Let them finish what they asked for, and end."""
        self._over.set()
        self._may_ask.set()
        for thread in self._threads:
            thread.join(_SETTLE_S)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Keep them still meanwhile: nothing is out when this begins."""
        self._may_ask.clear()
        try:
            wait_for(lambda: not self._began, "all clients are idle", _SETTLE_S, every_s=0.002)
            yield
        finally:
            self._may_ask.set()

    def settle(self) -> None:
        """Wait until all that is out now is answered; others are asked meanwhile."""
        now = time.perf_counter()
        wait_for(
            lambda: all(began > now for began in list(self._began.values())), "what was out is answered", _SETTLE_S
        )

    def join(self, deadline_s: float) -> bool:
        """Wait until all have ended by themselves; returns whether they have."""
        deadline = time.perf_counter() + deadline_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.perf_counter()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, number: int, stream: Iterable[Ask]) -> None:
        with Caller(self._port) as caller:
            for ask in stream:
                self._may_ask.wait()
                if self._over.is_set():
                    return
                self._began[number] = time.perf_counter()
                answer = caller.ask(ask)
                self._began.pop(number)
                kind = self._tally.add(ask, answer)
                if kind == "shut" and self._until_shut:
                    return
                if kind in {"refused", "shut"}:
                    self._over.wait(min(float(answer.retry_after or 0.1), _MAX_WAIT_S))


def _describe(kind: Kind, ask: Ask, answer: Answer) -> dict[str, Any]:
    return {
        "kind": kind,
        "request": f"{ask.method} {ask.path} {ask.body[:200].decode(errors='replace')}",
        "status": answer.status,
        "told": (answer.failure or answer.problem)[:300],
        "bytes": answer.num_bytes,
        "kept_connection": answer.is_kept,
        "after_s": round(answer.seconds, 4),
    }
