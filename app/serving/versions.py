"""What the catalog knows of models and versions, and how it answers for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.core.errors import NotReadyError, ServiceError, VersionNotFoundError
from app.repository.manifest import Manifest
from app.schemas.jobs import ModelLoaded, ModelRef
from app.schemas.models import VersionState
from app.schemas.names import PRODUCTION, is_version

RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One version as the service sees it now; a new object whenever its state changes.

    Attributes:
        manifest: The version's manifest; its digest is only trusted once ``state`` is ready.
        ref: The version's name in messages to the worker.
        state: Where it is on its way to answering requests.
        reason: Why it failed, in words; None otherwise.
        loaded: What the worker said when it loaded the version; None if no worker has loaded it yet. A ready version
            that is not loaded is loaded by the first request for it.
        is_ejected: Whether it failed because it does harm: aliases to it are answered by the version before, and it is
            tried again only when it is promoted, or the service starts anew.
    """

    manifest: Manifest
    ref: ModelRef
    state: VersionState
    reason: str | None = None
    loaded: ModelLoaded | None = None
    is_ejected: bool = False

    @property
    def is_warm(self) -> bool:
        """Whether requests for it are computed without waiting for a load."""
        return self.state is VersionState.READY and self.loaded is not None


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model as the service sees it now.

    Attributes:
        name: The model.
        default_version: What the bare name stands for; None when nothing can answer.
        aliases: Aliases in force; each points to a version that was warm when it was moved there.
        versions: All versions with a readable manifest, ascending.
        reason: Why an alias is not in force as the repository has it; None when all are.
    """

    name: str
    default_version: int | None
    aliases: Mapping[str, int]
    versions: tuple[ServedVersion, ...]
    reason: str | None = None


@dataclass(slots=True, eq=False)
class ServedModel:
    """One model: where its aliases should point (``wanted``), did before (``history``), and do (``active``)."""

    versions: dict[int, ServedVersion] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    history: dict[str, Sequence[int]] = field(default_factory=dict)
    active: dict[str, int] = field(default_factory=dict)
    default: int | None = None

    def newest_first(self) -> list[int]:
        """Return the version numbers, descending."""
        return sorted(self.versions, reverse=True)

    def activate(self, alias: str, version: int) -> None:
        """Let an alias point to a version from now on."""
        self.active[alias] = version
        if alias == PRODUCTION:
            self.default = version

    def move(self, alias: str, version: int) -> None:
        """Let an alias point to a version, as the repository has it."""
        if alias in self.wanted and self.wanted[alias] != version:
            self.history[alias] = [*self.history.get(alias, ()), self.wanted[alias]]
        self.wanted[alias] = version
        self.activate(alias, version)

    def candidates(self, alias: str) -> list[int]:
        """List versions that may answer for an alias, best first.

        That is where it should point; or, where that version was ejected, the one that answers now, then those that
        the alias pointed to before, the latest first, then the newest.
        """
        target = self.versions.get(self.wanted[alias])
        if target is None or not target.is_ejected:
            return [self.wanted[alias]]
        present = [self.active[alias]] if alias in self.active else []
        known = [*present, *reversed(self.history.get(alias, ())), *self.newest_first()]
        return [version for version in dict.fromkeys(known) if self._may_serve(version)]

    def fall_back(self) -> None:
        """Have aliases and the bare name leave versions that were ejected, for the best that is verified."""
        for alias, version in list(self.active.items()):
            if not self._may_serve(version):
                del self.active[alias]
                self._activate_first(alias)
        if PRODUCTION in self.wanted:
            self.default = self.active.get(PRODUCTION)
        elif self.default is not None and not self._may_serve(self.default):
            self.default = next((version for version in self.newest_first() if self._is_ready(version)), None)

    def drop_stale_aliases(self) -> None:
        """Forget aliases that were deleted, or whose version is gone or turned out to be none."""
        self.active = {
            alias: version
            for alias, version in self.active.items()
            if alias in self.wanted and self._may_serve(version)
        }
        if self.default is not None and not self._may_serve(self.default):
            self.default = None

    def explain(self) -> str | None:
        """Say why an alias is not where it should be; None when all are."""
        for alias, version in sorted(self.wanted.items()):
            if self.active.get(alias) != version:
                return f"{alias} should be version {version}: {self._explain_version(version)}"
        return None

    def find(self, version: int) -> ServedVersion:
        """Return a version in whatever state it is.

        Raises:
            VersionNotFoundError: If there is none of this number.
        """
        served = self.versions.get(version)
        if served is None:
            raise self._not_found("the model has no such version")
        return served

    def select(self, selector: str | None) -> ServedVersion:
        """Find the version that a selector stands for.

        Raises:
            VersionNotFoundError: If there is none, or it cannot be served.
            NotReadyError: If it is on its way.
        """
        if selector is None:
            return self._select_default()
        if is_version(selector):
            return check_ready(self.find(int(selector)))
        if selector in self.active:
            return self.find(self.active[selector])
        if selector in self.wanted:
            return self._await_alias(selector)
        raise self._not_found("the model has no such alias")

    def _select_default(self) -> ServedVersion:
        if self.default is not None:
            return self.find(self.default)
        if PRODUCTION in self.wanted:
            return self._await_alias(PRODUCTION)
        if any(served.state is not VersionState.FAILED for served in self.versions.values()):
            raise NotReadyError("the model is being made ready", retry_after_s=RETRY_AFTER_S)
        raise self._not_found("no version of this model can be served")

    def _await_alias(self, alias: str) -> ServedVersion:
        """Return the version that an alias is not at yet, where it may be asked for.

        Raises:
            VersionNotFoundError: If nothing can answer for the alias.
            NotReadyError: If its version, or the one that will answer instead, is on its way.
        """
        target = self.find(self.wanted[alias])
        if target.is_ejected and self.candidates(alias):
            raise NotReadyError("the version that answers instead is being made ready", retry_after_s=RETRY_AFTER_S)
        return check_ready(target)

    def _activate_first(self, alias: str) -> None:
        best = next(iter(self.candidates(alias)), None) if alias in self.wanted else None
        if best is not None and self._is_ready(best):
            self.activate(alias, best)

    def _may_serve(self, version: int) -> bool:
        served = self.versions.get(version)
        return served is not None and served.state is not VersionState.FAILED

    def _is_ready(self, version: int) -> bool:
        return self._may_serve(version) and self.versions[version].state is VersionState.READY

    def _explain_version(self, version: int) -> str:
        served = self.versions.get(version)
        if served is None:
            return "there is no such version"
        return served.reason or f"it is {served.state}"

    def _not_found(self, detail: str) -> ServiceError:
        return VersionNotFoundError(detail, versions=sorted(self.versions), aliases=sorted(self.active))


def check_ready(served: ServedVersion) -> ServedVersion:
    """Return a version that may be asked for.

    Raises:
        NotReadyError: If it is being verified or warmed up.
        VersionNotFoundError: If it cannot be served.
    """
    if served.state is VersionState.READY:
        return served
    if served.state is VersionState.FAILED:
        raise VersionNotFoundError(f"this version cannot be served: {served.reason}")
    raise NotReadyError("this version is being made ready", retry_after_s=RETRY_AFTER_S)
