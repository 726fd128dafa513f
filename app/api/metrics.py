"""What ``/metrics`` says: answers counted here, the rest read from the parts of the service when asked."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from app.api.monitoring.answered import Answered, name_key_class
from app.api.monitoring.tallies import LONG_S, SHORT_S, Tallies, Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter, which nobody reads


class _Series:
    """Answers of one kind."""

    __slots__ = ("count", "num_bytes")

    def __init__(self) -> None:
        self.count = 0
        self.num_bytes = 0


class Metrics(Collector):
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
        self._problems: dict[str, int] = {}
        self._samples: dict[tuple[str, int, str], int] = {}
        self._augmented: dict[str, int] = {}
        self._find_connections: Callable[[], int] | None = None
        self._registry = CollectorRegistry()
        for collector in (self, *collectors):
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
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Yield what is counted here."""
        yield from self._collect_answers()
        problems = CounterMetricFamily(
            "fount_problems", "Requests answered with a problem, by its code; or broken off.", labels=["code"]
        )
        for code, count in self._problems.items():
            problems.add_metric([code], count)
        samples = CounterMetricFamily(
            "fount_samples_sent", "Samples put into answers.", labels=["model", "version", "caller"]
        )
        for (name, version, caller), count in self._samples.items():
            samples.add_metric([name, str(version), caller], count)
        augmented = CounterMetricFamily(
            "fount_augmented_images_sent", "Augmented images put into answers.", labels=["caller"]
        )
        for caller, count in self._augmented.items():
            augmented.add_metric([caller], count)
        connections = GaugeMetricFamily("fount_open_connections", "Connections that are open.", labels=[])
        if self._find_connections is not None:
            connections.add_metric([], self._find_connections())
        yield from (problems, samples, augmented, connections)
        yield write_tally(
            "fount_queue_seconds", "From admission until the first samples went to the device.", self.queue
        )
        yield write_tallies("fount_encode_seconds", "Time to encode one batch of samples.", "format", self.encoding)

    def _collect_answers(self) -> Iterable[Metric]:
        labels = ["method", "route", "status", "caller"]
        requests = CounterMetricFamily("fount_http_requests", "Answered requests.", labels=labels)
        sent = CounterMetricFamily("fount_http_sent_bytes", "Bytes of the bodies of answers.", labels=["route"])
        by_route: dict[str, int] = {}
        for (method, route, status, caller), series in self._answers.items():
            requests.add_metric([method, route, str(status), caller], series.count)
            by_route[route] = by_route.get(route, 0) + series.num_bytes
        for route, num_bytes in by_route.items():
            sent.add_metric([route], num_bytes)
        yield from (requests, sent)
        yield write_tallies(
            "fount_http_request_seconds", "From the request's head to the end of its answer.", "route", self._seconds
        )


def write_tally(name: str, text: str, tally: Tally) -> Metric:
    """Write a tally as a histogram."""
    return HistogramMetricFamily(name, text, buckets=tally.buckets(), sum_value=tally.total)


def write_tallies(name: str, text: str, label: str, tallies: Tallies) -> Metric:
    """Write tallies as one histogram; ``label`` says what their names are."""
    family = HistogramMetricFamily(name, text, labels=[label])
    for value, tally in tallies.by_name.items():
        family.add_metric([value], tally.buckets(), tally.total)
    return family
