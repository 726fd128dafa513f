"""What may be asked for now: verified versions and the aliases that point to warm ones, following the repository."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.repository.manifest import Manifest
from app.schemas.jobs import ModelLoaded, ModelRef
from app.schemas.models import VersionState


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One version as the service sees it now; a new object whenever its state changes.

    Attributes:
        manifest: The version's manifest; its digest is only trusted once ``state`` is ready.
        ref: The version's name in messages to the worker.
        state: Where it is on its way to answering requests.
        reason: Why it failed, in words; None otherwise.
        loaded: What the worker said when it loaded the version first; None if no worker has loaded it yet.
    """

    manifest: Manifest
    ref: ModelRef
    state: VersionState
    reason: str | None = None
    loaded: ModelLoaded | None = None


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model as the service sees it now.

    Attributes:
        name: The model.
        default_version: What the bare name stands for; None when nothing can answer.
        aliases: Aliases in force; each points to a version that is warm.
        versions: All versions with a readable manifest, ascending.
        reason: Why an alias (or the bare name) is not where the repository wants it; None when all is well.
    """

    name: str
    default_version: int | None
    aliases: Mapping[str, int]
    versions: tuple[ServedVersion, ...]
    reason: str | None = None


class Catalog:
    """The models that the service knows; all look-ups are immediate, only alias moves wait."""

    def names(self) -> list[str]:
        """Return the models with at least one readable version, sorted."""
        raise NotImplementedError

    def model(self, name: str) -> ModelView:
        """Describe one model.

        Raises:
            ModelNotFoundError: If there is none of this name.
        """
        raise NotImplementedError

    def version(self, name: str, version: int) -> ServedVersion:
        """Describe one version, in whatever state it is.

        Raises:
            ModelNotFoundError: If there is no model of this name.
            VersionNotFoundError: If the model has no such version.
        """
        raise NotImplementedError

    def resolve(self, reference: str) -> ServedVersion:
        """Find the version that ``name``, ``name@3`` or ``name@alias`` stands for now; it is ready.

        Raises:
            ModelNotFoundError: If there is no model of this name; ``models`` lists what there is.
            VersionNotFoundError: If there is no such version or alias, or it cannot be served; ``versions`` and
                ``aliases`` list what there is.
            NotReadyError: If it is being verified or warmed up.
        """
        raise NotImplementedError

    def default_version(self, name: str) -> int | None:
        """Return what the bare name stands for: ``production``, else the newest warm version."""
        raise NotImplementedError

    def aliases(self, name: str) -> dict[str, int]:
        """Return the aliases in force."""
        raise NotImplementedError

    async def set_alias(self, name: str, alias: str, version: int, *, expected: int | None = ...) -> int | None:  # type: ignore[assignment]
        """Warm a version up, point an alias to it in the repository, and switch.

        Args:
            name: The model.
            alias: The alias to make or move.
            version: Where it shall point.
            expected: Where it must point now (None: nowhere) for the move to happen; anything when left out.

        Returns:
            Where it pointed before; None if it is new.

        Raises:
            ModelNotFoundError: If there is no model of this name.
            VersionNotFoundError: If there is no such version, or it cannot be served.
            PreconditionFailedError: If the alias is not where ``expected`` says.
        """
        raise NotImplementedError

    async def delete_alias(self, name: str, alias: str, *, expected: int = ...) -> int:  # type: ignore[assignment]
        """Remove an alias from the repository and from service.

        Returns:
            Where it pointed.

        Raises:
            ModelNotFoundError: If there is no model of this name.
            AliasNotFoundError: If the model has no such alias.
            PreconditionFailedError: If the alias is not where ``expected`` says.
        """
        raise NotImplementedError
