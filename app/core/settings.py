"""All settings of the service, read once at start; ``docs/configuration.md`` is generated from this file."""

import ipaddress
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from app.core.errors import ConfigurationError
from app.core.variables import check_names, find_broken_json

MIB = 2**20
MIN_KEY_LENGTH = 16


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(_Section):
    """Where the service listens and what it takes from a connection."""

    host: str = Field("127.0.0.1", description="Address to bind. Anything but loopback needs keys or `insecure`.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 lets the system choose.")
    insecure: bool = Field(False, description="Serve without keys on an address that others can reach.")
    body_limit_bytes: int = Field(65536, ge=1024, le=64 * MIB, description="Largest JSON body.")
    connections: int = Field(
        2048, ge=1, le=1_000_000, description="Connections held at once; some more are taken for probes alone."
    )
    head_timeout_s: float = Field(10.0, gt=0, le=3600, description="How long the head of a request may take.")
    body_timeout_s: float = Field(15.0, gt=0, le=3600, description="How long a JSON body may take.")
    upload_timeout_s: float = Field(60.0, gt=0, le=3600, description="How long a body with images may take.")
    write_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="How long a reader may take nothing of its answer until it is disconnected."
    )
    keep_alive_s: int = Field(30, ge=1, le=3600, description="How long an idle connection is kept.")
    lame_duck_s: float = Field(
        1.0, ge=0, le=600, description="How long requests are still taken after SIGTERM, while `/readyz` says 503."
    )
    shutdown_grace_s: int = Field(25, ge=0, le=600, description="How long running answers may take after SIGTERM.")


class RepositorySettings(_Section):
    """Where published models are."""

    url: str = Field("models", description="Folder, or any fsspec URL, of the model repository.")
    poll_interval_s: float = Field(1.0, ge=0.05, le=3600, description="How often to look for new versions and aliases.")


class WorkerSettings(_Section):
    """The process that computes samples."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU where there is one.")
    threads: int = Field(0, ge=0, le=1024, description="Compute threads; 0 takes one per core this process may use.")
    lanes: int = Field(
        0, ge=0, le=64, description="Batches that a CPU computes at once, sharing `threads`; 0: one each, up to 4."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="Of products. `bfloat16` changes pixels; `fount doctor` says whether it is faster here."
    )
    fold_batch_norm: bool = Field(True, description="Put batch norms into the weights of the layers beside them.")
    channels_last: bool = Field(True, description="Keep the channels of a pixel side by side in memory.")
    cuda_graphs: bool = Field(True, description="Record forward passes on a GPU and replay them.")
    batch_sizes: tuple[int, ...] = Field(
        (16, 64, 256),
        description="Padded batch sizes to try, ascending. Left out at load: those that would change a sample, and "
        "those no faster than a smaller one.",
    )
    residency_bytes: int = Field(2048 * MIB, ge=MIB, description="Weights kept on the device; least used go first.")
    slot_bytes: int = Field(8 * MIB, ge=65536, le=1024 * MIB, description="Pixels of the largest batch, in bytes.")
    start_timeout_s: float = Field(60.0, ge=1, le=3600, description="How long a worker may take to say it is ready.")
    hang_timeout_s: float = Field(60.0, ge=1, le=3600, description="How long one batch may take before a restart.")


class QueueSettings(_Section):
    """How much work may wait."""

    requests: int = Field(1024, ge=1, le=1_000_000, description="Sample requests admitted at once.")
    wait_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="How long a request may wait until it is begun; `Fount-Timeout` of a request may say less.",
    )
    window_batches: int = Field(4, ge=1, le=64, description="Batches one request may have ahead of its reader.")


class RateSettings(_Section):
    """How much a key may ask for in any minute; `fount keys create` may give a key bounds of its own."""

    requests_per_minute: int = Field(
        0, ge=0, le=10_000_000, description="Requests of a key in a minute; 0: any number. Probes are never counted."
    )
    device_s_per_minute: float = Field(
        0.0,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Predicted seconds of device time that a key may ask for in a minute, lanes added up; 0: any.",
    )


class HealthSettings(_Section):
    """When a version that does harm is taken out of service."""

    unhealthy_batches: int = Field(
        3,
        ge=1,
        le=1000,
        description="Batches of values that are not finite, or of images all alike, that are one too many.",
    )
    crashes: int = Field(
        3, ge=1, le=1000, description="Requests in a row that ended two workers each, or deaths while it is loaded."
    )
    window_s: float = Field(600.0, gt=0, le=86_400, description="Time within which such requests count.")


class PoolSettings(_Section):
    """Finished samples for requests without a seed, made in idle time."""

    samples: int = Field(512, ge=0, le=1_000_000, description="Kept ready per version and class; 0: none.")
    bytes: int = Field(32 * MIB, ge=0, le=64 * 1024 * MIB, description="Pixels kept ready in all, in bytes.")


class LimitSettings(_Section):
    """How much one request may ask for."""

    samples_per_request: int = Field(1_000_000, ge=1, le=1_000_000_000, description="Largest `num_samples`.")
    samples_per_json: int = Field(64, ge=1, le=1024, description="Largest `num_samples` of a JSON answer.")
    samples_per_grid: int = Field(1024, ge=1, le=4096, description="Largest `num_samples` of a contact sheet.")
    samples_per_dataset: int = Field(1_000_000, ge=1, le=1_000_000_000, description="Most samples of a dataset.")
    shards_per_dataset: int = Field(2000, ge=1, le=100_000, description="Most shards of a dataset.")
    upload_bytes: int = Field(32 * MIB, ge=1024, le=1024 * MIB, description="Largest body with images.")
    upload_memory_bytes: int = Field(
        256 * MIB, ge=1024, le=2**40, description="Bodies with images that are held at once, in bytes."
    )
    uploads: int = Field(64, ge=1, le=4096, description="Most images in one body.")
    upload_pixels: int = Field(2**25, ge=1024, le=2**28, description="Most pixels of one uploaded image.")
    outputs_per_request: int = Field(10_000, ge=1, le=10_000_000, description="Most augmented images in one answer.")
    augmentation_s: float = Field(
        20.0, gt=0, le=600, description="Processor time for some copies of an uploaded image, decoding included."
    )
    answer_bytes: int = Field(
        256 * MIB, ge=MIB, le=4096 * MIB, description="Most bytes of augmented images that one step may make."
    )
    decoding_s: float = Field(10.0, gt=0, le=600, description="Processor time to decode one uploaded image.")


class DialectSettings(_Section):
    """What the dialects of other services say here."""

    default_model: str = Field(
        "",
        max_length=100,
        description="What answers where a caller names no model, or one of OpenAI's: `name`, `name@3` or `name@alias`. "
        "Empty: the first model by name.",
    )
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/]+(/[^\s?#]*[^\s?#/])?)?$",
        max_length=2000,
        description="Where callers reach this service, without a slash at the end; addresses of images begin with it. "
        "Empty: the host that a request names.",
    )


class LogSettings(_Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level written.")
    format: Literal["auto", "console", "json"] = Field("auto", description="`auto`: console on a terminal, else JSON.")


class TracingSettings(_Section):
    """Traces, sent to a collector by OTLP over HTTP; they need `pip install 'fount[tracing]'`."""

    endpoint: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        max_length=2000,
        description="URL that traces are posted to, such as `http://127.0.0.1:4318/v1/traces`. Empty: what the "
        "standard `OTEL_EXPORTER_OTLP_ENDPOINT` says, and no traces without it.",
    )
    sample_ratio: float = Field(
        1.0, ge=0, le=1, description="Share of the traces begun here that is sent; callers decide of those they began."
    )


class Settings(BaseSettings):
    """The service's configuration: environment variables ``FOUNT_<SECTION>__<NAME>``, command line on top."""

    model_config = SettingsConfigDict(
        env_prefix="FOUNT_", env_nested_delimiter="__", env_ignore_empty=True, frozen=True, extra="forbid"
    )

    api_key: SecretStr | None = Field(None, description="One key with all scopes, at least 16 characters.")
    keys_file: Path | None = Field(None, description="Hashed keys with scopes, as `fount keys create` writes them.")
    http: HttpSettings = HttpSettings()
    repository: RepositorySettings = RepositorySettings()
    worker: WorkerSettings = WorkerSettings()
    queue: QueueSettings = QueueSettings()
    rates: RateSettings = RateSettings()
    health: HealthSettings = HealthSettings()
    pool: PoolSettings = PoolSettings()
    limits: LimitSettings = LimitSettings()
    dialects: DialectSettings = DialectSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()

    @property
    def has_keys(self) -> bool:
        """Whether callers must send a key."""
        return self.api_key is not None or self.keys_file is not None


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment, with some set by the caller.

    Args:
        **overrides: Fields and sections that go before the environment; sections as dictionaries.

    Raises:
        ConfigurationError: If a value is not valid, or a variable is no setting; names it.
    """
    unknown = check_names(Settings, os.environ)  # noqa: TID251 - settings are read here
    if unknown is not None:
        raise ConfigurationError(unknown)
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        variable = "FOUNT_" + "__".join(str(part).upper() for part in first["loc"])
        raise ConfigurationError(f"{variable}: {first['msg']}", setting=variable) from None
    except SettingsError:
        variable = find_broken_json(Settings, os.environ)  # noqa: TID251 - settings are read here
        raise ConfigurationError(f"{variable}: it takes JSON, and holds none", setting=variable) from None
    sizes = settings.worker.batch_sizes
    if not sizes or sizes[0] < 1 or list(sizes) != sorted(set(sizes)):
        variable = "FOUNT_WORKER__BATCH_SIZES"
        raise ConfigurationError(f"{variable}: they are ascending, positive numbers", setting=variable)
    return settings


def check_exposure(settings: Settings) -> None:
    """Refuse to serve strangers without keys.

    Raises:
        ConfigurationError: If the address is not loopback, no key is configured and ``insecure`` is off; or if the
            configured key is too short to be a secret.
    """
    if settings.api_key is not None and len(settings.api_key.get_secret_value()) < MIN_KEY_LENGTH:
        raise ConfigurationError(f"`api_key` must have at least {MIN_KEY_LENGTH} characters", setting="api_key")
    if settings.has_keys or settings.http.insecure or _is_loopback(settings.http.host):
        return
    raise ConfigurationError(
        "refusing to listen on an address that others can reach without keys: set `FOUNT_API_KEY` or "
        "`FOUNT_KEYS_FILE`, bind to 127.0.0.1, or pass `--insecure`",
        setting="http.host",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class LaunchSettings(BaseSettings):
    """What ``torchrun`` tells the processes that it starts."""

    model_config = SettingsConfigDict(frozen=True)

    local_world_size: int = Field(1, ge=1, description="Processes on this machine.")
    world_size: int = Field(1, ge=1, description="Processes in all.")


class CollectorSettings(BaseSettings):
    """What the standard variables of OpenTelemetry say; its own code reads the rest of them."""

    model_config = SettingsConfigDict(env_prefix="OTEL_", env_ignore_empty=True, frozen=True)

    sdk_disabled: bool = Field(False, description="No traces at all.")
    exporter_otlp_endpoint: str = Field("", description="URL of a collector, without the path.")
    exporter_otlp_traces_endpoint: str = Field("", description="URL of a collector, with the path.")
    traces_sampler: str = Field("", description="Which traces are sent; goes before `tracing.sample_ratio`.")
    service_name: str = Field("", description="What traces call this service.")

    def wants_traces(self, settings: TracingSettings) -> bool:
        """Tell whether traces are sent."""
        endpoint = settings.endpoint or self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return bool(endpoint) and not self.sdk_disabled
