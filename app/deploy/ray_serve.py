"""The service on Ray Serve: every replica is a whole Fount with a worker of its own, and Ray's proxy spreads requests.

``serve run app.deploy.ray_serve:app replicas=2 repository=/models``; see ``docs/scale-out.md``.
"""

from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import ConfigurationError, WorkerLostError
from app.core.logging import configure_logging
from app.core.places import find_folder
from app.core.settings import Settings, check_exposure, load_settings
from app.main import create_app

END_GRACE_S = 10
"""For a replica's worker to end, after its last answer."""
_ANY_ADDRESS = "0.0.0.0"  # nosec B104  # noqa: S104 - where Ray's proxy may listen; nothing is bound here
_KEYS = {"api_key", "keys_file"}
_SURPLUS = 2


class Deployment(BaseModel):
    """How many replicas, and what each takes of a node; the other settings are those of ``fount serve``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    replicas: int = Field(2, ge=1, le=1000, description="Replicas.")
    per_node: int | None = Field(None, ge=1, le=100, description="Most replicas on one node.")
    cpus: int = Field(1, ge=1, le=256, description="Cores of a replica, each with one compute thread.")
    gpus: float = Field(0, ge=0, le=1, description="Part of a GPU of a replica; 0: it computes on its cores.")
    repository: str | None = Field(None, description="Folder or fsspec URL of the models, as every node reaches it.")
    insecure: bool = Field(False, description="Serve without keys.")


def app(arguments: Deployment) -> Any:
    """Build the application that ``serve run`` and ``serve deploy`` take.

    Settings are read once, here, so that all replicas compute alike. Keys are not: a replica reads them from its own
    environment, because Ray shows the arguments of a deployment to whoever reaches its dashboard.

    Args:
        arguments: From the command line or the configuration file of Ray Serve.

    Returns:
        A ``ray.serve.Application``.

    Raises:
        ConfigurationError: If Ray Serve is not installed, or a setting is not valid.
    """
    try:
        from ray import serve  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise ConfigurationError("Ray Serve is not installed: pip install 'fount[ray]'") from None
    settings = choose_settings(arguments)
    dumped = settings.model_dump_json(exclude=_KEYS)

    def build() -> FastAPI:
        return create_replica(dumped)

    @serve.ingress(build)
    class Fount:
        """One replica; Ray starts another in its place when its worker stays away."""

        async def check_health(self) -> None:
            require_worker(self.app)  # type: ignore[attr-defined] # by `serve.ingress`

    queue = settings.queue.requests
    placement: dict[str, Any] = {} if arguments.per_node is None else {"max_replicas_per_node": arguments.per_node}
    deploy = serve.deployment(
        name="fount",
        num_replicas=arguments.replicas,
        max_ongoing_requests=_SURPLUS * queue,  # ours refuses first, and says when to come back
        max_queued_requests=queue,
        graceful_shutdown_timeout_s=settings.http.shutdown_grace_s + END_GRACE_S,
        graceful_shutdown_wait_loop_s=0.5,
        ray_actor_options={"num_cpus": arguments.cpus, "num_gpus": arguments.gpus},
        **placement,
    )
    return deploy(Fount).bind()


def choose_settings(arguments: Deployment) -> Settings:
    """Read the settings of all replicas: the environment, with what the deployment says on top.

    Raises:
        ConfigurationError: If one is not valid.
    """
    given: dict[str, dict[str, Any]] = {
        "http": {"host": _ANY_ADDRESS, "insecure": arguments.insecure},
        "worker": {"device": _device(arguments.gpus), "threads": arguments.cpus},
    }
    if arguments.repository is not None:
        given["repository"] = {"url": arguments.repository}
    settings = load_settings(**given)
    folder = find_folder(settings.repository.url)
    if folder is not None:  # replicas have working folders of their own
        url = str(Path(folder).expanduser().absolute())
        repository = settings.repository.model_copy(update={"url": url})
        settings = settings.model_copy(update={"repository": repository})
    return settings


def create_replica(dumped: str) -> FastAPI:
    """Build the application of one replica; keys come from its own environment.

    Args:
        dumped: All other settings, as JSON.

    Raises:
        ConfigurationError: If there are no keys, and ``insecure`` is off.
    """
    sections = Settings.model_validate_json(dumped).model_dump(mode="json", exclude=_KEYS)
    settings = load_settings(**sections)
    check_exposure(settings)
    configure_logging(settings.log)
    return create_app(settings)


def require_worker(application: FastAPI) -> None:
    """Tell Ray whether a replica can compute; its third refusal in a row ends the replica.

    Raises:
        WorkerLostError: If it has no worker now.
    """
    if application.state.services.engine.status().worker is None:
        raise WorkerLostError("this replica has no worker")


def _device(gpus: float) -> Literal["cpu", "cuda"]:
    return "cuda" if gpus else "cpu"
