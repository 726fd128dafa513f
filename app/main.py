"""The composition root: the only place where the parts of the HTTP process are joined."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from app import __version__
from app.api.dialects.hugging_face import routes as hugging_face
from app.api.dialects.inference import routes as inference
from app.api.dialects.inference.coding import takes_coded
from app.api.dialects.openai import routes as openai
from app.api.dialects.refusing import DialectErrors
from app.api.documentation import DESCRIPTION, install_openapi
from app.api.encoding import Encoder
from app.api.express import Express
from app.api.gate import Gate
from app.api.keys import KeyRing
from app.api.metrics import Metrics
from app.api.monitoring.answered import Answered, CountAnswer
from app.api.monitoring.engine import EngineCollector
from app.api.monitoring.processes import BuildCollector, ChildrenCollector, watch_processes
from app.api.monitoring.pulse import Pulse, find_free_bytes
from app.api.monitoring.versions import VersionCollector
from app.api.pages.routes import router as pages_router
from app.api.paths import RouteTemplates
from app.api.problems import install_handlers
from app.api.rates import Rates
from app.api.routes import (
    augmentations,
    datasets,
    interpolations,
    limits,
    models,
    operations,
    samples,
    variations,
    verifications,
)
from app.api.services import Services
from app.api.tracing import note_answered
from app.api.uploads import UploadMemory
from app.augmentation.pool import Augmenters
from app.core.errors import ConfigurationError
from app.core.settings import CollectorSettings, Settings
from app.decoding.pool import Decoders
from app.repository.store import ModelRepository
from app.serving.cores import count_cores
from app.serving.engine import Engine

if TYPE_CHECKING:
    from app.api.spans import Tracing

MAX_DECODERS = 4

_ROUTES = (
    limits,
    models,
    samples,
    augmentations,
    datasets,
    interpolations,
    variations,
    verifications,
    operations,
    openai,
    inference,
    hugging_face,
)


class _Application(FastAPI):
    """Leads requests for the busiest routes past the framework's layers."""

    express: Express
    express_gate: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.express.has(scope):
            await self.express_gate(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    settings: Settings,
    engine: Engine | None = None,
    decoders: Decoders | None = None,
    augmenters: Augmenters | None = None,
) -> FastAPI:
    """Build the application; nothing is started before its lifespan begins.

    Args:
        settings: The service's settings, checked by ``check_exposure``.
        engine: The engine to use; by default one on the settings' repository. Started and stopped by the lifespan.
        decoders: What decodes uploads; by default child processes. Ended by the lifespan.
        augmenters: What augments uploads; by default child processes. Ended by the lifespan.

    Raises:
        ConfigurationError: If the keys file is not usable, or traces are wanted and what sends them is not there.
    """
    repository = ModelRepository(settings.repository.url)
    engine = engine or Engine(settings, repository)
    uploads = UploadMemory(settings.limits.upload_memory_bytes, is_shared=settings.has_keys)
    decoders = decoders or _create_decoders(settings)
    augmenters = augmenters or _create_augmenters(settings)
    pulse = Pulse(partial(find_free_bytes, settings.repository.url))
    children = ChildrenCollector(decoder=decoders, augmenter=augmenters)
    metrics = _create_metrics(engine, EngineCollector(engine, uploads), children, pulse)
    encoder = Encoder(count_cores(), metrics.encoding)
    tracing = _create_tracing(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pulse.start()
        try:
            await engine.start()
            yield
        finally:
            await engine.stop()
            await decoders.close()
            await augmenters.close()
            encoder.close()
            await pulse.stop()
            if tracing is not None:
                await tracing.close()

    app = _create_application(lifespan)
    rates = Rates(settings.rates)
    app.state.services = Services(settings, engine, repository, metrics, encoder, decoders, augmenters, uploads, rates)
    _guard(app, KeyRing(settings), app.state.services, tracing)
    install_handlers(app)
    install_openapi(app)
    for routes in _ROUTES:
        app.include_router(routes.router)
    app.include_router(pages_router)
    return app


def _create_application(lifespan: Lifespan[FastAPI]) -> _Application:
    return _Application(
        title="Fount",
        version=__version__,
        summary="Synthetic image samples on demand, each at a permanent address.",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )


def _create_metrics(engine: Engine, *collectors: Collector) -> Metrics:
    return Metrics([*collectors, VersionCollector(engine.catalog), BuildCollector(), *watch_processes(engine)])


def _guard(app: _Application, keys: KeyRing, services: Services, tracing: "Tracing | None") -> None:
    """Put the gate before the routes, and before the short way to some of them."""
    metrics = services.metrics
    common: dict[str, Any] = {
        "keys": keys,
        "rates": services.rates,
        "count_request": metrics.count_request if tracing is None else _count_and_note(metrics),
        "name_route": RouteTemplates(app).name,
    }
    app.add_middleware(Gate, takes_coded=takes_coded, **common)
    app.add_middleware(DialectErrors)
    app.express = Express(owner=app, routes=[samples.EXPRESS])
    app.express_gate = Gate(app.express, **common)
    if tracing is not None:
        app.add_middleware(tracing.wrap)
        app.express_gate = tracing.wrap(app.express_gate)


def _create_decoders(settings: Settings) -> Decoders:
    return Decoders(settings.limits, processes=min(count_cores(), MAX_DECODERS), max_waiting=settings.queue.requests)


def _create_augmenters(settings: Settings) -> Augmenters:
    limits = settings.limits
    return Augmenters(
        limits,
        processes=count_cores(),
        max_waiting=settings.queue.requests,
        answer_bytes=limits.answer_bytes,
        seconds=limits.augmentation_s,
    )


def _create_tracing(settings: Settings) -> "Tracing | None":
    """Make what traces requests; nothing of it is imported where traces are not wanted."""
    collector = CollectorSettings()
    if not collector.wants_traces(settings.tracing):
        return None
    try:
        from app.api.spans import Tracing  # noqa: PLC0415 - see above
    except ImportError:
        raise ConfigurationError(
            "traces are configured and cannot be sent: `pip install 'fount[tracing]'`", setting="tracing.endpoint"
        ) from None
    return Tracing(settings.tracing, collector)


def _count_and_note(metrics: Metrics) -> CountAnswer:
    def count(answered: Answered) -> None:
        metrics.count_request(answered)
        note_answered(answered)

    return count
