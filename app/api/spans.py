"""Traces of requests by OpenTelemetry: imported only where they are wanted.

Source: W3C Trace Context (https://www.w3.org/TR/trace-context/) and OpenTelemetry's semantic conventions of HTTP.
"""

import asyncio
import threading
import time
from http import HTTPStatus
from typing import Final

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.api.monitoring.answered import BROKEN_OFF, Answered
from app.api.tracing import TraceNotes, notes
from app.core.logging import get_logger
from app.core.settings import CollectorSettings, TracingSettings

EXPORT_TIMEOUT_S = 5.0
FLUSH_S = 3.0
MAX_WAITING = 2048
MAX_TRACESTATE_BYTES = 512

_UNTRACED: Final = frozenset({"/livez", "/readyz", "/metrics"})
_HEADERS: Final = {"Fount-Model": "fount.model", "Fount-Digest": "fount.digest", "Fount-Seed": "fount.seed"}

_log = get_logger("tracing")


class Tracing:
    """Makes spans and sends them from a thread of its own; what cannot be sent in time is dropped.

    Args:
        settings: Where to.
        collector: What the standard variables say.
        exporter: Sends spans; by default OTLP over HTTP.
    """

    def __init__(
        self, settings: TracingSettings, collector: CollectorSettings, exporter: SpanExporter | None = None
    ) -> None:
        exporter = exporter or OTLPSpanExporter(endpoint=settings.endpoint or None, timeout=EXPORT_TIMEOUT_S)
        resource = Resource.create({"service.name": collector.service_name or "fount", "service.version": __version__})
        sampler = None if collector.traces_sampler else ParentBased(TraceIdRatioBased(settings.sample_ratio))
        self._provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=MAX_WAITING))
        self.tracer = self._provider.get_tracer("fount", __version__)

    def wrap(self, app: ASGIApp) -> "TracedApplication":
        """Trace the requests of an application."""
        return TracedApplication(app, tracing=self)

    async def close(self, within_s: float = FLUSH_S) -> None:
        """Send what waits, for no longer than a moment; a collector that hangs keeps nobody from leaving."""
        flushing = threading.Thread(target=self._provider.shutdown, name="flush-traces", daemon=True)
        flushing.start()
        await asyncio.to_thread(flushing.join, within_s)
        if flushing.is_alive():
            _log.warning("traces-not-sent", limit_s=within_s)


class TracedApplication:
    """Pure ASGI middleware: one span around each request, with those of its phases inside.

    Args:
        app: What is traced.
        tracing: Makes the spans.
    """

    def __init__(self, app: ASGIApp, *, tracing: Tracing) -> None:
        self._app = app
        self._tracer = tracing.tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        noted = TraceNotes()
        begin = time.time_ns()
        span = self._tracer.start_span("request", _read_parent(scope), SpanKind.SERVER, start_time=begin)
        structlog.contextvars.bind_contextvars(trace_id=f"{span.get_span_context().trace_id:032x}")
        token = notes.set(noted)
        try:
            await self._app(scope, receive, send)
        finally:
            notes.reset(token)
            self._finish(span, noted, begin)

    def _finish(self, span: Span, noted: TraceNotes, begin: int) -> None:
        if span.is_recording():
            inside = set_span_in_context(span, Context())
            for name, start, end in noted.phases(begin):
                self._tracer.start_span(name, inside, start_time=start).end(end)
            _describe_samples(span, noted)
            if noted.answered is None:
                span.set_status(Status(StatusCode.ERROR))
            else:
                _describe_answer(span, noted.answered)
        span.end()


def _read_parent(scope: Scope) -> Context:
    """Read whose trace the request belongs to; a header that is not as the standard has it counts for nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in {b"traceparent", b"tracestate"}:
            key = name.decode("ascii")
            found[key] = "" if key in found else value.decode("latin-1")  # given twice: neither
    if len(found.get("tracestate", "")) > MAX_TRACESTATE_BYTES:
        del found["tracestate"]
    return TraceContextTextMapPropagator().extract(found, Context())


def _describe_answer(span: Span, answered: Answered) -> None:
    span.update_name(f"{answered.method} {answered.route}")
    span.set_attribute("http.request.method", answered.method)
    span.set_attribute("http.route", answered.route)
    span.set_attribute("http.response.status_code", answered.status)
    span.set_attribute("http.response.body.size", answered.num_bytes)
    span.set_attribute("fount.caller", answered.caller)
    if answered.problem is not None:
        span.set_attribute("error.type", answered.problem)
    if answered.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answered.problem == BROKEN_OFF:
        span.set_status(Status(StatusCode.ERROR, answered.problem))


def _describe_samples(span: Span, noted: TraceNotes) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id is not None:
        span.set_attribute("fount.request_id", request_id)
    for header, name in _HEADERS.items():
        if header in noted.headers:
            span.set_attribute(name, noted.headers[header])
    if "Fount-Num-Samples" in noted.headers:
        span.set_attribute("fount.num_samples", int(noted.headers["Fount-Num-Samples"]))
