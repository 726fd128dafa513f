"""One look at the model repository: what is there and where the aliases point. Blocking; knows nothing of serving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import NotFoundError, RepositoryError
from app.core.logging import get_logger
from app.repository.manifest import Manifest
from app.repository.store import ModelRepository

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ModelSurvey:
    """One model: its readable manifests, its aliases, and where these pointed before, the latest last."""

    manifests: Mapping[int, Manifest]
    aliases: Mapping[str, int]
    history: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole repository at one time; ``fingerprint`` is from before it was read."""

    fingerprint: str
    models: Mapping[str, ModelSurvey]


_NOTHING = ModelSurvey({}, {}, {})


def take_survey(repository: ModelRepository, last: Survey | None) -> Survey:
    """Look at the repository.

    Args:
        repository: Where to look.
        last: What was seen last time.

    Returns:
        ``last`` itself when nothing changed since. A manifest or aliases that cannot be read are as they were the last
        time; a version that was never readable is left out.

    Raises:
        RepositoryError: If the repository cannot be read at all.
    """
    fingerprint = repository.fingerprint()
    if last is not None and last.fingerprint == fingerprint:
        return last
    models = {}
    for name in repository.list_names():
        known = last.models.get(name, _NOTHING) if last is not None else _NOTHING
        manifests = _read_manifests(repository, name, known)
        if manifests:
            models[name] = ModelSurvey(manifests, *_read_aliases(repository, name, known))
    return Survey(fingerprint, models)


def _read_manifests(repository: ModelRepository, name: str, known: ModelSurvey) -> dict[int, Manifest]:
    manifests = {}
    for version in repository.list_versions(name):
        try:
            manifests[version] = repository.read_manifest(name, version)
        except NotFoundError:
            continue  # removed since it was listed
        except RepositoryError as error:
            _log.warning("version-unreadable", model=name, version=version, reason=error.detail)
            if version in known.manifests:
                manifests[version] = known.manifests[version]
    return manifests


def _read_aliases(
    repository: ModelRepository, name: str, known: ModelSurvey
) -> tuple[Mapping[str, int], Mapping[str, Sequence[int]]]:
    try:
        return repository.read_aliases(name), repository.read_history(name)
    except RepositoryError as error:
        _log.warning("aliases-unreadable", model=name, reason=error.detail)
        return known.aliases, known.history
