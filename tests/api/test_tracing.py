import asyncio
import http.server
import subprocess
import sys
import threading
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app.api import spans
from app.api.spans import Tracing
from app.core.errors import ConfigurationError
from app.core.settings import CollectorSettings, TracingSettings
from app.main import create_app

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = PARENT[:-2] + "00"
ASK = {"model": "tiny", "num_samples": 6, "seed": 42}


class Exporter(InMemorySpanExporter):
    """Keeps what was sent, also when the service has ended."""

    def shutdown(self):
        pass


@pytest.fixture
def exporter(monkeypatch):
    one = Exporter()
    monkeypatch.setattr(spans, "OTLPSpanExporter", lambda **_: one)
    return one


@pytest.fixture
def make_traced(make_settings):
    return lambda **sections: make_settings(tracing={"endpoint": "http://127.0.0.1:1/v1/traces"}, **sections)


@pytest.fixture
async def traced(exporter, open_client, make_traced):
    """A client of a traced application; and a function that has everything sent, and returns it by name."""
    client = await open_client(make_traced())
    [tracing] = _made

    def collect():
        tracing._provider.force_flush()
        return {span.name: span for span in exporter.get_finished_spans()}

    return client, collect


_made = []


@pytest.fixture(autouse=True)
def remember(monkeypatch):
    """Notes every tracing that an application makes."""
    _made.clear()
    make = Tracing.__init__

    def note(self, *arguments, **options):
        make(self, *arguments, **options)
        _made.append(self)

    monkeypatch.setattr(Tracing, "__init__", note)


async def test_a_request_has_a_span_and_its_phases_lie_inside(traced):
    client, collect = traced

    await client.post("/v1/samples", json=ASK, headers={"X-Request-ID": "r1"})
    found = collect()

    assert {"POST /v1/samples", "queue", "device", "encode"} == set(found)
    whole = found["POST /v1/samples"]
    assert SpanKind.SERVER is whole.kind
    expected = {
        "http.request.method": "POST",
        "http.route": "/v1/samples",
        "http.response.status_code": 200,
        "fount.model": "tiny@1",
        "fount.num_samples": 6,
        "fount.seed": "42",
        "fount.request_id": "r1",
        "fount.caller": "anybody",
    }
    assert expected == {name: whole.attributes[name] for name in expected}
    edges = [whole.start_time]
    for phase in ("queue", "device", "encode"):
        assert whole.context.span_id == found[phase].parent.span_id
        edges += [found[phase].start_time, found[phase].end_time]
    assert sorted(edges) == edges
    assert edges[-1] <= whole.end_time


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ([("traceparent", PARENT)], True),
        ([("traceparent", "ff" + PARENT[2:])], False),
        ([("traceparent", PARENT.upper())], False),
        ([("traceparent", f"00-{'0' * 32}-b7ad6b7169203331-01")], False),
        ([("traceparent", PARENT), ("traceparent", PARENT)], False),
        ([("traceparent", "x" * 5000)], False),
        ([], False),
    ],
)
async def test_a_trace_of_the_caller_is_joined_only_if_its_header_is_as_the_standard_has_it(traced, headers, is_taken):
    client, collect = traced

    await client.get("/v1/models", headers=headers)
    span = collect()["GET /v1/models"]

    assert is_taken == (f"{span.context.trace_id:032x}" == PARENT.split("-")[1])
    assert is_taken == (span.parent is not None)


async def test_a_caller_that_does_not_record_is_followed(traced):
    client, collect = traced

    await client.get("/v1/models", headers={"traceparent": UNSAMPLED})

    assert {} == collect()


async def test_problems_are_named_and_only_our_own_are_errors(traced, monkeypatch):
    client, collect = traced

    await client.get("/v1/models/absent")
    monkeypatch.setattr("app.serving.catalog.Catalog.names", lambda _: 1 / 0)
    await client.get("/v1/models")
    found = collect()

    refused, failed = found["GET /v1/models/{name}"], found["GET /v1/models"]
    assert ("model-not-found", StatusCode.UNSET) == (refused.attributes["error.type"], refused.status.status_code)
    assert (500, StatusCode.ERROR) == (failed.attributes["http.response.status_code"], failed.status.status_code)


async def test_probes_leave_no_trace(traced):
    client, collect = traced

    for path in ("/livez", "/readyz", "/metrics"):
        await client.get(path)

    assert {} == collect()


async def test_the_end_of_the_service_sends_what_waits(exporter, make_traced, engine):
    app = create_app(make_traced(), engine)
    async with app.router.lifespan_context(app):
        span = _made[0].tracer.start_span("last")
        span.end()

    assert ["last"] == [span.name for span in exporter.get_finished_spans()]


class Stuck(SpanExporter):
    """A collector that takes a connection and never answers."""

    def __init__(self):
        self.release = threading.Event()

    def export(self, _):
        self.release.wait(30)
        return SpanExportResult.SUCCESS

    def shutdown(self):
        pass


async def test_a_collector_that_hangs_keeps_nobody_from_leaving():
    exporter = Stuck()
    tracing = Tracing(TracingSettings(), CollectorSettings(), exporter)
    for _ in range(3000):  # more than may wait: the rest are dropped
        tracing.tracer.start_span("one").end()

    began = time.monotonic()
    await asyncio.wait_for(tracing.close(within_s=0.2), 10)
    seconds = time.monotonic() - began
    exporter.release.set()

    assert seconds < 5


@pytest.fixture
def collector():
    """An OTLP/HTTP collector on this machine; yields its address and what it was sent."""
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", received
    server.shutdown()
    server.server_close()


async def test_a_collector_is_sent_spans_with_the_name_of_the_service(collector):
    url, received = collector
    tracing = Tracing(TracingSettings(endpoint=f"{url}/v1/traces"), CollectorSettings())
    tracing.tracer.start_span("one").end()

    await tracing.close()

    [(path, message)] = received
    [resource] = message.resource_spans
    names = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert ("/v1/traces", "fount", "one") == (path, names["service.name"], resource.scope_spans[0].spans[0].name)


@pytest.mark.parametrize(
    ("variables", "endpoint", "wanted"),
    [
        ({}, "", False),
        ({}, "http://here/v1/traces", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://there"}, "", True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://there/v1/traces"}, "", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://there", "OTEL_SDK_DISABLED": "true"}, "http://here", False),
    ],
)
def test_traces_are_sent_where_they_are_wanted(monkeypatch, variables, endpoint, wanted):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert wanted == CollectorSettings().wants_traces(TracingSettings(endpoint=endpoint))


def test_traces_that_cannot_be_sent_are_told_at_start(make_traced, engine, monkeypatch):
    monkeypatch.setitem(sys.modules, "app.api.spans", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'fount\[tracing\]'"):
        create_app(make_traced(), engine)


def test_nothing_of_it_is_imported_where_no_traces_are_wanted():
    script = """
import sys
from app.core.settings import Settings
from app.main import create_app
create_app(Settings())
print([name for name in sys.modules if name.startswith("opentelemetry.exporter") or name == "app.api.spans"])
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[]\n" == result.stdout
