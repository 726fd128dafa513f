import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.api.problems import describe_codes
from app.serving.engine import Engine
from tests.problems import assert_problem


async def test_liveness_does_not_depend_on_the_engine(client, monkeypatch):
    monkeypatch.setattr(Engine, "is_ready", False)

    assert {"status": "alive"} == (await client.get("/livez")).json()


async def test_readiness_follows_the_engine(client, monkeypatch):
    ready = await client.get("/readyz")
    monkeypatch.setattr(Engine, "is_ready", False)
    waiting = await client.get("/readyz")

    assert (200, {"status": "ready"}) == (ready.status_code, ready.json())
    assert_problem(waiting, 503, "not-ready")
    assert "1" == waiting.headers["retry-after"]


async def read_metrics(client):
    families = text_string_to_metric_families((await client.get("/metrics")).text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


async def test_metrics_count_requests_by_route_and_samples_by_version(client):
    await client.post("/v1/samples", json={"model": "tiny", "num_samples": 6})
    await client.get("/v1/models/secret-name")
    await client.get("/secret-path")

    metrics = await read_metrics(client)

    assert 6 == metrics["fount_samples_sent_total", "1", "anybody", "tiny"]
    assert 1 == metrics["fount_http_requests_total", "/v1/samples", "200", "POST", "anybody"]
    assert 1 == metrics["fount_http_requests_total", "404", "GET", "anybody", "unmatched"]
    assert not [name for name in metrics if "secret" in str(name)]
    assert metrics["fount_encode_seconds_count", "zip"] > 0


@pytest.mark.parametrize(
    ("request_line", "route"),
    [
        ("POST /v1/samples", "/v1/samples"),
        ("GET /v1/models/secret-name", "/v1/models/{name}"),
        ("PATCH /v1/models/secret-name/aliases/secret", "/v1/models/{name}/aliases/{alias}"),
        ("GET /secret-path", "unmatched"),
    ],
)
@pytest.mark.parametrize(
    ("sections", "headers", "status"),
    [
        ({"api_key": "a-key-of-this-test"}, {}, "401"),
        ({"rates": {"requests_per_minute": 1}}, {}, "429"),
        ({}, {"Content-Encoding": "gzip"}, "415"),
    ],
    ids=["key", "rate", "coding"],
)
async def test_what_the_gate_refuses_is_counted_under_the_route_that_it_was_for(
    open_client, make_settings, request_line, route, sections, headers, status
):
    method, path = request_line.split()
    client = await open_client(make_settings(**sections))

    for _ in range(2):
        await client.request(method, path, headers=headers)

    options = {"headers": {"Authorization": f"Bearer {sections['api_key']}"}} if "api_key" in sections else {}
    counted = (await client.get("/metrics", **options)).text
    assert f'method="{method}",route="{route}",status="{status}"' in counted
    assert "secret" not in counted


async def test_metrics_show_the_engine(client):
    await client.post("/v1/samples", json={"model": "tiny", "num_samples": 3})

    metrics = await read_metrics(client)

    assert (1, 0, 3, 1) == (
        metrics["fount_ready",],
        metrics["fount_worker_restarts_total",],
        metrics["fount_samples_computed_total",],
        metrics["fount_batches_total", "4"],
    )


@pytest.mark.parametrize("code", describe_codes())
async def test_every_problem_has_a_page(client, code):
    response = await client.get(f"/problems/{code}")

    assert "text/markdown; charset=utf-8" == response.headers["content-type"]
    assert response.text.startswith(f"# {code}\n")


async def test_an_unknown_problem_has_no_page(client):
    assert_problem(await client.get("/problems/zebra"), 404, "not-found")


async def test_machines_can_read_the_interface(client):
    document = await client.get("/openapi.json")

    assert "3.1.0" == document.json()["openapi"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/samples", "POST"),
        ("GET", "/v1/samples", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("POST", "/v1/models/tiny/aliases/production", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", "/v1/models/tiny/aliases/production", "DELETE, GET, HEAD, PUT"),
    ],
)
async def test_another_method_is_a_405_that_names_the_right_ones(client, method, path, allow):
    response = await client.request(method, path)

    assert_problem(response, 405, "method-not-allowed")
    assert allow == response.headers["allow"]


async def test_every_answer_has_the_headers_of_the_house(client):
    for response in [await client.get(path) for path in ("/livez", "/v1/models", "/absent")]:
        assert "nosniff" == response.headers["x-content-type-options"]
        assert "default-src 'none'; frame-ancestors 'none'" == response.headers["content-security-policy"]
        assert "no-store" == response.headers["cache-control"]


async def test_a_harmless_request_id_is_kept(client):
    response = await client.get("/livez", headers={"X-Request-ID": "job-17.retry_2"})

    assert "job-17.retry_2" == response.headers["x-request-id"]


@pytest.mark.parametrize("sent", ["", "a b", "<script>", "x" * 65, "ä", 'a"b', "a;b"])
async def test_any_other_request_id_is_replaced(client, sent):
    response = await client.get("/livez", headers={"X-Request-ID": sent.encode()})

    assert sent != response.headers["x-request-id"]
    assert 16 == len(response.headers["x-request-id"])


async def test_an_unforeseen_error_is_a_500_that_tells_nothing(client, engine, monkeypatch):
    def break_down(*_, **__):
        raise ZeroDivisionError("secret path /etc/models")

    monkeypatch.setattr(engine, "submit", break_down)

    response = await client.post("/v1/samples", json={"model": "tiny", "num_samples": 1})

    assert_problem(response, 500, "service-failed")
    assert "secret" not in response.text
