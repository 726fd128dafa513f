"""What ``/metrics`` says: requests counted here, the rest read from the engine when asked."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from app import __version__
from app.api.uploads import UploadMemory
from app.serving.engine import Engine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ENCODE_BUCKETS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter, which nobody reads


class Metrics:
    """The metrics of one application; two in one process do not meet."""

    def __init__(self, engine: Engine, uploads: UploadMemory) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "fount_http_requests", "Answered requests.", ["method", "route", "status"], registry=self._registry
        )
        self._latency = Histogram(
            "fount_http_request_seconds",
            "From the request's head to the end of its answer.",
            ["route"],
            buckets=_LATENCY_BUCKETS,
            registry=self._registry,
        )
        self._samples = Counter(
            "fount_samples_sent", "Samples put into answers.", ["model", "version"], registry=self._registry
        )
        self.encoding = Histogram(
            "fount_encode_seconds",
            "Time to encode one batch of samples.",
            buckets=_ENCODE_BUCKETS,
            registry=self._registry,
        )
        Gauge("fount_build_info", "1, with the build's version.", ["version"], registry=self._registry).labels(
            __version__
        ).set(1)
        self._registry.register(_EngineCollector(engine, uploads))
        self._by_answer: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._by_version: dict[tuple[str, int], Counter] = {}

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; ``route`` is a template, never a caller's path."""
        key = (method, route, status)
        if key not in self._by_answer:  # looking the series up by its labels takes longer than counting
            self._by_answer[key] = (self._requests.labels(method, route, str(status)), self._latency.labels(route))
        count, latency = self._by_answer[key]
        count.inc()
        latency.observe(seconds)

    def count_samples(self, name: str, version: int, count: int) -> None:
        """Count samples of a version that were put into an answer."""
        key = (name, version)
        if key not in self._by_version:
            self._by_version[key] = self._samples.labels(name, str(version))
        self._by_version[key].inc(count)

    def render(self) -> bytes:
        """Write all metrics in the Prometheus text format."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    def __init__(self, engine: Engine, uploads: UploadMemory) -> None:
        self._engine = engine
        self._uploads = uploads

    def collect(self) -> Iterable[Metric]:
        status = self._engine.status()
        gauges = {
            "fount_ready": ("1 while requests are answered.", int(status.is_ready)),
            "fount_queued_streams": ("Sample requests admitted and not finished.", status.queued_streams),
            "fount_queued_samples": ("Samples waiting for the device.", status.queued_samples),
            "fount_batches_in_flight": ("Batches sent to the worker and not answered.", status.batches_in_flight),
            "fount_upload_bytes": ("Bodies with images that are held now, in bytes.", self._uploads.held_bytes),
        }
        counters = {
            "fount_worker_restarts": ("Workers started after the first.", status.restarts),
            "fount_samples_computed": ("Samples that the worker computed.", status.samples),
            "fount_device_seconds": ("Device time spent on batches.", status.device_s),
            "fount_requests_refused": ("Sample requests refused for a full queue.", status.refused),
            "fount_requests_overdue": ("Sample requests that could not be begun in time.", status.overdue),
            "fount_uploads_refused": ("Requests refused for the memory of uploads.", self._uploads.refused),
            "fount_requests_cancelled": ("Sample requests whose caller left.", status.cancelled),
            "fount_requests_failed": ("Sample requests that ended with an error.", status.failed),
        }
        yield from (GaugeMetricFamily(name, text, value) for name, (text, value) in gauges.items())
        yield from (CounterMetricFamily(name, text, value) for name, (text, value) in counters.items())
        batches = CounterMetricFamily("fount_batches", "Batches computed, by padded size.", labels=["size"])
        for size, count in status.batches.items():
            batches.add_metric([str(size)], count)
        yield batches
