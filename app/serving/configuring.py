"""What a worker is told before all else, from the settings."""

from app.core.errors import ConfigurationError
from app.core.settings import Settings
from app.schemas.jobs import NumericsConfig, WorkerConfig
from app.serving.cores import count_cores

MOST_LANES = 4  # unless a setting asks for more
_SPARE_SLOTS = 3  # beside one for each lane


def worker_config(settings: Settings, repository_url: str) -> WorkerConfig:
    """Build the first message to a worker.

    Raises:
        ConfigurationError: If the batch sizes are not ascending, positive numbers.
    """
    sizes = settings.worker.batch_sizes
    if not sizes or sizes[0] < 1 or list(sizes) != sorted(set(sizes)):
        raise ConfigurationError(
            "`worker.batch_sizes` must be ascending, positive numbers", setting="worker.batch_sizes"
        )
    threads = settings.worker.threads or count_cores()
    lanes = min(settings.worker.lanes or MOST_LANES, threads)
    return WorkerConfig(
        repository_url=repository_url,
        device=settings.worker.device,
        threads=threads,
        lanes=lanes,
        batch_sizes=sizes,
        residency_bytes=settings.worker.residency_bytes,
        slots=lanes + _SPARE_SLOTS,
        slot_bytes=settings.worker.slot_bytes,
        log_level=settings.log.level,
        log_format=settings.log.format,
        numerics=NumericsConfig(
            precision=settings.worker.precision,
            fold_batch_norm=settings.worker.fold_batch_norm,
            channels_last=settings.worker.channels_last,
            cuda_graphs=settings.worker.cuda_graphs,
        ),
    )
