"""Where shards are computed: one small contract, kept by engines on this machine and by a Ray cluster."""

from collections.abc import Sequence
from typing import Protocol

from app.api.datasets.dataset import Dataset
from app.api.encoding import Encoder
from app.exporting.destination import Destination
from app.exporting.state import ShardFile
from app.exporting.writing import OnSamples
from app.schemas.samples import SampleFormat
from app.serving.catalog import Catalog


class Writer(Protocol):
    """Computes one shard at a time, somewhere."""

    async def write(self, shard: int, on_samples: OnSamples) -> ShardFile:
        """Compute one shard and put it in place.

        Args:
            shard: Its number.
            on_samples: Told how many samples were written, now and then.

        Raises:
            ServiceError: If it cannot be computed.
            ExportError: If it cannot be written.
        """
        ...


class Site(Protocol):
    """A place that computes shards.

    Attributes:
        catalog: The models, as this process sees them.
        encoder: Threads of this process to read and write files in.
    """

    @property
    def catalog(self) -> Catalog: ...  # noqa: D102 - above

    @property
    def encoder(self) -> Encoder: ...  # noqa: D102 - above

    async def find_numerics(self, dataset: Dataset) -> str:
        """Load the versions of a dataset, and name what they are computed with.

        Raises:
            WorkerLostError: If a version cannot be loaded now.
        """
        ...

    async def open_writers(
        self, dataset: Dataset, sample_format: SampleFormat, destination: Destination
    ) -> Sequence[Writer]:
        """Return what writes shards of a dataset: one writer for each shard that is computed at a time."""
        ...
