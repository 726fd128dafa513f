"""What may be asked for now: verified versions and the aliases that point to warm ones, following the repository."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from app.core.errors import (
    CapacityError,
    ModelNotFoundError,
    ModelUnhealthyError,
    NotReadyError,
    RepositoryError,
    ServiceError,
    WorkerLostError,
)
from app.core.logging import get_logger
from app.repository.manifest import Manifest
from app.repository.store import UNSET, ModelRepository, Unset
from app.schemas.jobs import ModelLoaded, ModelRef
from app.schemas.models import VersionState
from app.schemas.names import PRODUCTION, split_reference
from app.serving.survey import Survey, take_survey
from app.serving.versions import RETRY_AFTER_S, ModelView, ServedModel, ServedVersion, check_ready

__all__ = ["Catalog", "ModelView", "ServedVersion"]

MAX_LISTED_NAMES = 20
PATIENCE_S = 10.0

_log = get_logger(__name__)


class Catalog:
    """The models that the service knows; look-ups are immediate, only alias moves wait.

    Args:
        repository: What is followed; read and written in threads.
        load: Has the worker load a version.
        retire: Has the worker forget a version when its last request is done.
        poll_interval_s: Pause between two looks at the repository.

    Attributes:
        is_settled: Whether the first look is done and what it found is warm, or has failed.
    """

    def __init__(
        self,
        repository: ModelRepository,
        *,
        load: Callable[[ModelRef], Awaitable[ModelLoaded]],
        retire: Callable[[ModelRef], None],
        poll_interval_s: float,
    ) -> None:
        self._repository = repository
        self._load = load
        self._retire = retire
        self._poll_interval_s = poll_interval_s
        self._models: dict[str, ServedModel] = {}
        self._survey: Survey | None = None
        self._settled = asyncio.Event()
        self._changed = asyncio.Event()
        self._looking = asyncio.Lock()
        self._moves = 0
        self._retries = False
        self._preparing: dict[ModelRef, asyncio.Task[None]] = {}
        self._settling: set[asyncio.Task[None]] = set()

    @property
    def is_settled(self) -> bool:
        """Whether the first look at the repository is done."""
        return self._settled.is_set()

    def names(self) -> list[str]:
        """Return the models with at least one readable version, sorted."""
        return sorted(self._models)

    def model(self, name: str) -> ModelView:
        """Describe one model.

        Raises:
            ModelNotFoundError: If there is none of this name.
        """
        model = self._find(name)
        versions = tuple(model.versions[version] for version in sorted(model.versions))
        return ModelView(name, model.default, dict(model.active), versions, model.explain())

    def version(self, name: str, version: int) -> ServedVersion:
        """Describe one version, in whatever state it is.

        Raises:
            ModelNotFoundError: If there is no model of this name.
            VersionNotFoundError: If the model has no such version.
        """
        return self._find(name).find(version)

    def resolve(self, reference: str) -> ServedVersion:
        """Find the version that ``name``, ``name@3`` or ``name@alias`` stands for now; it is ready.

        Raises:
            ModelNotFoundError: If there is no model of this name; ``models`` lists what there is.
            VersionNotFoundError: If there is no such version or alias, or it cannot be served; ``versions`` and
                ``aliases`` list what there is.
            NotReadyError: If it is being verified or warmed up.
        """
        try:
            name, selector = split_reference(reference)
        except ValueError:
            raise self._no_model() from None
        return self._find(name).select(selector)

    async def obtain(self, reference: str) -> ServedVersion:
        """Find as ``resolve`` does, and wait a little for a version that is on its way.

        Raises:
            ModelNotFoundError: See ``resolve``.
            VersionNotFoundError: See ``resolve``.
            NotReadyError: If it is still not ready after ``PATIENCE_S``.
        """
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                return self.resolve(reference)
            except NotReadyError as refusal:
                try:
                    async with asyncio.timeout_at(deadline):
                        await self._changed.wait()
                except TimeoutError:
                    raise refusal from None

    def find_loaded(self, ref: ModelRef) -> ModelLoaded | None:
        """Return what the worker said of a version; None if no worker has loaded it yet, or it is gone."""
        served = self._current(ref)
        return None if served is None else served.loaded

    def default_version(self, name: str) -> int | None:
        """Return what the bare name stands for: ``production``, else the newest warm version."""
        return self._find(name).default

    def aliases(self, name: str) -> dict[str, int]:
        """Return the aliases in force."""
        return dict(self._find(name).active)

    async def set_alias(
        self, name: str, alias: str, version: int, *, expected: int | Unset | None = UNSET
    ) -> int | None:
        """Warm a version up, point an alias to it in the repository, and switch.

        Args:
            name: The model.
            alias: The alias to make or move.
            version: Where it shall point.
            expected: Where it must point now (None: nowhere) for the move to happen; anything when left out.

        Returns:
            Where it pointed before; None if it is new.

        Raises:
            InvalidInputError: If this cannot be an alias.
            ModelNotFoundError: If there is no model of this name.
            VersionNotFoundError: If there is no such version, or it cannot be served. One that was ejected is tried
                once more.
            PreconditionFailedError: If the alias is not where ``expected`` says.
        """
        if name not in self._models or version not in self._models[name].versions:
            await self.refresh()  # published a moment ago, perhaps
        served = self._find(name).find(version)
        self._readmit(served)
        await self.warm(served.ref)
        check_ready(self._find(name).find(version))
        previous = await asyncio.to_thread(self._repository.set_alias, name, alias, version, expected=expected)
        self._moves += 1
        self._find(name).move(alias, version)
        return previous

    async def delete_alias(self, name: str, alias: str, *, expected: int | Unset = UNSET) -> int:
        """Remove an alias from the repository and from service.

        Returns:
            Where it pointed.

        Raises:
            ModelNotFoundError: If there is no model of this name.
            AliasNotFoundError: If the model has no such alias.
            PreconditionFailedError: If the alias is not where ``expected`` says.
        """
        self._find(name)
        previous = await asyncio.to_thread(self._repository.delete_alias, name, alias, expected=expected)
        self._moves += 1
        self._find(name).wanted.pop(alias, None)
        await self._settle(name)
        return previous

    def eject(self, ref: ModelRef, reason: str) -> None:
        """Take a version out of service at once: what pointed to it points to the version before, in memory only.

        Args:
            ref: The version.
            reason: Why, in words.
        """
        if self._current(ref) is None:
            return
        _log.error("version-ejected", model=ref.name, version=ref.version, reason=reason)
        self._update(ref, state=VersionState.FAILED, reason=reason, is_ejected=True)
        self._models[ref.name].fall_back()
        task = asyncio.get_running_loop().create_task(self._settle_again(ref.name))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    def release(self, ref: ModelRef) -> None:
        """Have the worker forget a version when its last request is done; whoever asks for it next has it loaded."""
        served = self._current(ref)
        if served is not None and served.loaded is not None:
            self._models[ref.name].versions[ref.version] = replace(served, loaded=None)
            self._retire(ref)

    def is_ejected(self, ref: ModelRef) -> bool:
        """Tell whether a version was taken out of service."""
        served = self._current(ref)
        return served is not None and served.is_ejected

    async def follow(self) -> None:
        """Follow the repository until cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001 - whatever a storage raises, what is loaded is served, and we look again
                _log.exception("repository-unreadable")
            await asyncio.sleep(self._poll_interval_s)

    async def wait_settled(self) -> None:
        """Wait until the first look is done and what it found is warm, or has failed."""
        await self._settled.wait()

    async def refresh(self) -> None:
        """Look at the repository now, and make ready what is new.

        Raises:
            RepositoryError: If it cannot be read.
        """
        async with self._looking:
            moves = self._moves
            survey = await asyncio.to_thread(take_survey, self._repository, self._survey)
            if survey is self._survey and not self._retries:
                return
            self._survey = survey
            self._retries = False
            self._merge(survey, with_aliases=moves == self._moves)
            await asyncio.gather(*(self._settle(name) for name in list(self._models)))
            self._settled.set()
            self._tell()
            await self._verify_rest()

    async def warm(self, ref: ModelRef) -> None:
        """Verify a version and have it loaded, where that has not been done; its state tells how it went."""
        task = self._preparing.get(ref)
        if task is None:
            task = asyncio.create_task(self._prepare(ref))
            self._preparing[ref] = task
            task.add_done_callback(lambda _: self._preparing.pop(ref))
        await asyncio.shield(task)

    def _tell(self) -> None:
        """Wake everybody who waits for a version."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _find(self, name: str) -> ServedModel:
        model = self._models.get(name)
        if model is None:
            raise self._no_model()
        return model

    def _no_model(self) -> ServiceError:
        if not self.is_settled:
            return NotReadyError("the service is starting", retry_after_s=RETRY_AFTER_S)
        return ModelNotFoundError("there is no such model", models=self.names()[:MAX_LISTED_NAMES])

    def _merge(self, survey: Survey, *, with_aliases: bool) -> None:
        for name in self._models.keys() - survey.models.keys():
            for served in self._models.pop(name).versions.values():
                self._retire(served.ref)
        for name, seen in survey.models.items():
            model = self._models.setdefault(name, ServedModel())
            for version in model.versions.keys() - seen.manifests.keys():
                self._retire(model.versions.pop(version).ref)
            for version, manifest in seen.manifests.items():
                self._see(model, version, manifest)
            if with_aliases:  # else a move was made while the repository was being read
                model.wanted, model.history = dict(seen.aliases), dict(seen.history)
            model.drop_stale_aliases()

    def _see(self, model: ServedModel, version: int, manifest: Manifest) -> None:
        ref = ModelRef(manifest.name, version, manifest.digest or "")
        known = model.versions.get(version)
        is_final = known is not None and known.is_ejected and known.ref == ref
        if known is None or (known.state is VersionState.FAILED and not is_final):
            model.versions[version] = ServedVersion(manifest, ref, VersionState.VERIFYING)
        elif known.ref != ref:
            # A published version does not change: what was verified is kept until it is gone from the repository.
            _log.warning("version-changed", model=manifest.name, version=version)

    async def _settle(self, name: str) -> None:
        """Let aliases and the bare name follow the repository, each as soon as its version is warm."""
        model = self._models[name]
        for alias, version in list(model.wanted.items()):
            await self._settle_alias(model, alias, version)
        model.drop_stale_aliases()
        if PRODUCTION in model.wanted:
            model.default = model.active.get(PRODUCTION)
            return
        for version in model.newest_first():
            if await self._is_warm(model, version):
                model.default = version
                return
        model.default = None

    async def _settle_alias(self, model: ServedModel, alias: str, version: int) -> None:
        tried: set[int] = set()
        while model.wanted.get(alias) == version:  # else it moved meanwhile
            candidate = next((one for one in model.candidates(alias) if one not in tried), None)
            if candidate is None:
                return
            tried.add(candidate)
            if await self._is_warm(model, candidate) and model.wanted.get(alias) == version:
                model.activate(alias, candidate)
                return

    async def _settle_again(self, name: str) -> None:
        if name in self._models:
            await self._settle(name)
            self._tell()

    async def _is_warm(self, model: ServedModel, version: int) -> bool:
        served = model.versions.get(version)
        if served is None:
            return False
        if not served.is_warm and served.state is not VersionState.FAILED:
            await self.warm(served.ref)
            served = model.versions.get(version)
        return served is not None and served.is_warm

    async def _verify_rest(self) -> None:
        """Verify the versions that nothing points to; they are loaded when somebody asks for them."""
        for model in list(self._models.values()):
            for version in model.newest_first():
                served = model.versions.get(version)
                if served is not None and served.state is VersionState.VERIFYING:
                    await self._verify(served, VersionState.READY)

    async def _prepare(self, ref: ModelRef) -> None:
        served = self._current(ref)
        if served is not None and served.state is VersionState.VERIFYING:
            await self._verify(served, VersionState.WARMING)
            served = self._current(ref)
        if served is not None and (served.state is VersionState.FAILED or served.loaded is not None):
            return
        try:
            loaded = await self._load(ref)
        except ServiceError as error:
            self._retries |= isinstance(error, WorkerLostError | CapacityError)  # the worker, not the version
            is_ejected = isinstance(error, ModelUnhealthyError)
            if is_ejected:
                _log.error("version-refused", model=ref.name, version=ref.version, reason=error.detail)
            self._update(ref, state=VersionState.FAILED, reason=error.detail, is_ejected=is_ejected)
        else:
            self._update(ref, state=VersionState.READY, loaded=loaded)

    async def _verify(self, served: ServedVersion, then: VersionState) -> None:
        ref = served.ref
        try:
            manifest = await asyncio.to_thread(self._repository.verify, ref.name, ref.version)
        except ServiceError as error:
            self._retries |= type(error) is RepositoryError  # the storage, not the version
            self._update(ref, state=VersionState.FAILED, reason=error.detail)
            return
        if manifest.digest == ref.digest:
            self._update(ref, state=then)
        else:
            self._update(ref, state=VersionState.FAILED, reason="the version changed while it was being verified")
            self._retries = True

    def _current(self, ref: ModelRef) -> ServedVersion | None:
        model = self._models.get(ref.name)
        served = model.versions.get(ref.version) if model is not None else None
        return served if served is not None and served.ref == ref else None

    def _readmit(self, served: ServedVersion) -> None:
        """Let a version that was ejected be verified and loaded once more."""
        if served.is_ejected:
            self._update(served.ref, state=VersionState.VERIFYING)

    def _update(
        self,
        ref: ModelRef,
        *,
        state: VersionState,
        reason: str | None = None,
        loaded: ModelLoaded | None = None,
        is_ejected: bool = False,
    ) -> None:
        served = self._current(ref)
        if served is None or (served.is_ejected and state is not VersionState.VERIFYING):
            return  # whatever was on its way when it was ejected
        _log.info("version-state", model=ref.name, version=ref.version, state=state, reason=reason)
        known = None if state is VersionState.FAILED else served.loaded
        self._models[ref.name].versions[ref.version] = replace(
            served, state=state, reason=reason, loaded=loaded or known, is_ejected=is_ejected
        )
        self._tell()
