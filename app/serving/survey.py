"""One look at the model repository: what is there and where the aliases point. Blocking; knows nothing of serving."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.errors import NotFoundError, RepositoryError
from app.core.logging import get_logger
from app.repository.manifest import Manifest
from app.repository.store import ModelRepository

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ModelSurvey:
    """One model: its readable manifests and its aliases."""

    manifests: Mapping[int, Manifest]
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole repository at one time; ``fingerprint`` is from before it was read."""

    fingerprint: str
    models: Mapping[str, ModelSurvey]


def take_survey(repository: ModelRepository, last: Survey | None) -> Survey:
    """Look at the repository.

    Args:
        repository: Where to look.
        last: What was seen last time.

    Returns:
        ``last`` itself when nothing changed since. Versions whose manifest cannot be read are left out, and a model
        whose aliases cannot be read keeps those of the last time.

    Raises:
        RepositoryError: If the repository cannot be read at all.
    """
    fingerprint = repository.fingerprint()
    if last is not None and last.fingerprint == fingerprint:
        return last
    models = {}
    for name in repository.list_names():
        manifests = _read_manifests(repository, name)
        if manifests:
            models[name] = ModelSurvey(manifests, _read_aliases(repository, name, last))
    return Survey(fingerprint, models)


def _read_manifests(repository: ModelRepository, name: str) -> dict[int, Manifest]:
    manifests = {}
    for version in repository.list_versions(name):
        try:
            manifests[version] = repository.read_manifest(name, version)
        except NotFoundError:
            continue  # removed since it was listed
        except RepositoryError as error:
            _log.warning("version-unreadable", model=name, version=version, reason=error.detail)
    return manifests


def _read_aliases(repository: ModelRepository, name: str, last: Survey | None) -> Mapping[str, int]:
    try:
        return repository.read_aliases(name)
    except RepositoryError as error:
        _log.warning("aliases-unreadable", model=name, reason=error.detail)
        known = last.models.get(name) if last is not None else None
        return known.aliases if known is not None else {}
