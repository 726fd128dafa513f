"""The engine in numbers: its queue, its batches and its worker."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.api.uploads import UploadMemory
from app.serving.endings import ENDS
from app.serving.engine import Engine
from app.serving.status import EngineStatus

_NO_ENDS = dict.fromkeys(ENDS, 0)


class EngineCollector(Collector):
    """Reads the engine's counters when somebody asks.

    Args:
        engine: Whose.
        uploads: Bodies that are held.
    """

    def __init__(self, engine: Engine, uploads: UploadMemory) -> None:
        self._engine = engine
        self._uploads = uploads

    def collect(self) -> Iterable[Metric]:
        """Yield what the engine says now."""
        status = self._engine.status()
        gauges = {
            "fount_ready": ("1 while requests are answered.", int(status.is_ready)),
            "fount_worker_up": ("1 while a worker takes work.", int(status.worker is not None)),
            "fount_queued_streams": ("Sample requests admitted whose answers are not sent.", status.queued_streams),
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
        yield count_by("fount_batches", "Batches computed, by padded size.", "size", status.batches)
        yield count_by(
            "fount_worker_ends", "Workers that ended unasked, by how.", "reason", _NO_ENDS | dict(status.ends)
        )
        yield _describe_worker(status)
        yield from _collect_versions(status)


def _describe_worker(status: EngineStatus) -> Metric:
    info = GaugeMetricFamily(
        "fount_worker_info", "1, with what the worker computes on and with.", labels=["device", "numerics"]
    )
    if status.worker is not None:
        info.add_metric([status.worker.device, status.worker.numerics], 1)
    return info


def _collect_versions(status: EngineStatus) -> Iterable[Metric]:
    labels = ["model", "version"]
    samples = CounterMetricFamily("fount_version_samples", "Samples computed, by version.", labels=labels)
    padding = CounterMetricFamily("fount_version_padding", "Rows that filled batches up, by version.", labels=labels)
    seconds = CounterMetricFamily("fount_version_device_seconds", "Device time, by version.", labels=labels)
    for (name, version), counts in status.versions.items():
        values = [name, str(version)]
        samples.add_metric(values, counts.samples)
        padding.add_metric(values, counts.padding)
        seconds.add_metric(values, counts.device_s)
    return samples, padding, seconds


def count_by(name: str, text: str, label: str, counts: Mapping[Any, int]) -> Metric:
    """Write counts by something as one counter with one label."""
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([str(value)], count)
    return family
