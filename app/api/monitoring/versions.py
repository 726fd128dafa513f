"""Versions and aliases in numbers: what is ready, what failed, and where names point."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.serving.catalog import Catalog, ModelView

MOST_VERSIONS = 512


class VersionCollector(Collector):
    """Reads the catalog when somebody asks.

    Args:
        catalog: Whose versions.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def collect(self) -> Iterable[Metric]:
        """Yield the state of each version, newest first where there are too many, and what each name stands for."""
        states = GaugeMetricFamily(
            "fount_version_state", "1, with the state that a version is in.", labels=["model", "version", "state"]
        )
        sizes = GaugeMetricFamily(
            "fount_version_resident_bytes",
            "Weights of versions that the worker has loaded.",
            labels=["model", "version"],
        )
        aliases = GaugeMetricFamily(
            "fount_alias_version", "Version that an alias points to, in force.", labels=["model", "alias"]
        )
        defaults = GaugeMetricFamily(
            "fount_default_version", "Version that the bare name stands for; 0 for none.", labels=["model"]
        )
        waiting = GaugeMetricFamily(
            "fount_alias_pending", "1 while an alias of the model is not where the repository says.", labels=["model"]
        )
        shown = 0
        for view in map(self._catalog.model, self._catalog.names()):
            defaults.add_metric([view.name], view.default_version or 0)
            waiting.add_metric([view.name], int(view.reason is not None))
            for alias, version in view.aliases.items():
                aliases.add_metric([view.name, alias], version)
            shown += _add_versions(view, states, sizes, MOST_VERSIONS - shown)
        return states, sizes, aliases, defaults, waiting


def _add_versions(view: ModelView, states: GaugeMetricFamily, sizes: GaugeMetricFamily, room: int) -> int:
    """Add up to ``room`` versions of a model; return how many."""
    added = view.versions[::-1][:room]
    for served in added:
        labels = [view.name, str(served.ref.version)]
        states.add_metric([*labels, served.state], 1)
        if served.loaded is not None:
            sizes.add_metric(labels, served.loaded.resident_bytes)
    return len(added)
