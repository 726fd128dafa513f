"""What ``/metrics`` says: answers counted here, the rest read from the parts of the service when asked."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from app.api.monitoring.answered import BROKEN_OFF, Answered, name_key_class
from app.api.monitoring.tallies import LONG_S, SHORT_S, Tallies, Tally
from app.api.monitoring.text import write_histogram, write_values
from app.core.errors import DeadlineExceededError, NotReadyError, QueueFullError, RateLimitedError, ServiceError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FORESEEN = (
    BROKEN_OFF,
    ServiceError.code,
    QueueFullError.code,
    RateLimitedError.code,
    DeadlineExceededError.code,
    NotReadyError.code,
)
"""Problems that are shown before the first of them: who watches a counter must see it go from 0 to 1."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter, which nobody reads


class _Series:
    """Answers of one kind."""

    __slots__ = ("count", "num_bytes")

    def __init__(self) -> None:
        self.count = 0
        self.num_bytes = 0


class Metrics:
    """The metrics of one application; two in one process do not meet.

    Counted in the event loop, without locks: each of these is part of every request.

    Args:
        collectors: What is read from the rest of the service, each time somebody asks.

    Attributes:
        encoding: Seconds of encoding, by format.
        queue: Seconds until samples of a request went to the device.
    """

    def __init__(self, collectors: Iterable[Collector] = ()) -> None:
        self.encoding = Tallies(SHORT_S)
        self.queue = Tally(LONG_S)
        self._answers: dict[tuple[str, str, int, str], _Series] = {}
        self._seconds = Tallies(LONG_S)
        self._problems = dict.fromkeys(FORESEEN, 0)
        self._samples: dict[tuple[str, int, str], int] = {}
        self._augmented: dict[str, int] = {}
        self._find_connections: Callable[[], int] | None = None
        self._registry = CollectorRegistry()
        for collector in collectors:
            self._registry.register(collector)

    def count_request(self, answered: Answered) -> None:
        """Count one answered request."""
        key = (answered.method, answered.route, answered.status, name_key_class(answered.caller))
        series = self._answers.get(key)
        if series is None:
            series = self._answers[key] = _Series()
        series.count += 1
        series.num_bytes += answered.num_bytes
        self._seconds.of(answered.route).observe(answered.seconds)
        if answered.problem is not None:
            self._problems[answered.problem] = self._problems.get(answered.problem, 0) + 1

    def count_samples(self, name: str, version: int, count: int, caller: str) -> None:
        """Count samples of a version that were put into an answer to a caller."""
        key = (name, version, name_key_class(caller))
        self._samples[key] = self._samples.get(key, 0) + count

    def count_augmented(self, count: int, caller: str) -> None:
        """Count augmented images that were put into an answer to a caller."""
        key = name_key_class(caller)
        self._augmented[key] = self._augmented.get(key, 0) + count

    def watch_connections(self, find: Callable[[], int]) -> None:
        """Ask a server how many connections are open, each time somebody asks here."""
        self._find_connections = find

    def render(self) -> bytes:
        """Write all metrics in the Prometheus text format."""
        return "".join(self._write()).encode() + generate_latest(self._registry)

    def _write(self) -> Iterable[str]:
        yield from self._write_answers()
        yield write_values(
            "fount_problems_total",
            "counter",
            "Requests answered with a problem, by its code; or broken off.",
            ["code"],
            (([code], count) for code, count in self._problems.items()),
        )
        yield write_values(
            "fount_samples_sent_total",
            "counter",
            "Samples put into answers.",
            ["model", "version", "caller"],
            (([name, str(version), caller], count) for (name, version, caller), count in self._samples.items()),
        )
        yield write_values(
            "fount_augmented_images_sent_total",
            "counter",
            "Augmented images put into answers.",
            ["caller"],
            (([caller], count) for caller, count in self._augmented.items()),
        )
        text = "From admission until the first samples went to the device."
        yield write_histogram("fount_queue_seconds", text, "", {"": self.queue})
        text = "Time to encode one batch of samples."
        yield write_histogram("fount_encode_seconds", text, "format", self.encoding.by_name)
        connections = [] if self._find_connections is None else [((), self._find_connections())]
        yield write_values("fount_open_connections", "gauge", "Connections that are open.", [], connections)

    def _write_answers(self) -> Iterable[str]:
        sent: dict[str, int] = {}
        for (_, route, *_), series in self._answers.items():
            sent[route] = sent.get(route, 0) + series.num_bytes
        yield write_values(
            "fount_http_requests_total",
            "counter",
            "Answered requests.",
            ["method", "route", "status", "caller"],
            (
                ([method, route, str(status), caller], series.count)
                for (method, route, status, caller), series in self._answers.items()
            ),
        )
        yield write_values(
            "fount_http_sent_bytes_total",
            "counter",
            "Bytes of the bodies of answers.",
            ["route"],
            (([route], num_bytes) for route, num_bytes in sent.items()),
        )
        text = "From the request's head to the end of its answer."
        yield write_histogram("fount_http_request_seconds", text, "route", self._seconds.by_name)
