import datetime as dt
import email.utils
import http.server
import json
import threading

import pytest

from app.cli.diagnosis.service import check_service

READY = {"/livez": (200, {}), "/readyz": (200, {})}


def version(number, state="ready", reason=None):
    return {"version": number, "state": state, "reason": reason}


def model(*versions, default=1):
    return {"models": [{"name": "tiny", "default_version": default, "versions": list(versions)}]}


@pytest.fixture
def serve():
    """Answers as a service would: status and document by path; returns its address."""
    servers = []

    def start(answers, date=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, document = answers.get(self.path, (404, {}))
                body = json.dumps(document).encode()
                self.send_response_only(status)
                self.send_header("Date", date or email.utils.format_datetime(dt.datetime.now(dt.UTC), usegmt=True))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def findings(make_case, url, **sections):
    return [(finding.is_well, finding.detail) for finding in check_service(make_case(url, **sections))]


def test_no_service_is_asked_without_an_address(make_case):
    assert [] == findings(make_case, None)


def test_a_service_that_is_well_is_told(make_case, serve):
    url = serve(READY | {"/v1/models": (200, model(version(1)))})

    assert [(True, f"{url} is ready"), (True, "`tiny` stands for version 1")] == findings(make_case, url)


@pytest.mark.parametrize(
    ("answers", "detail"),
    [
        ({}, "/livez answers 404"),
        ({"/livez": (200, {}), "/readyz": (503, {}), "/v1/models": (200, {"models": []})}, "it lives and is not ready"),
        (READY | {"/v1/models": (200, model(version(1), default=None))}, "`tiny` stands for no version"),
        (
            READY | {"/v1/models": (200, model(version(1), version(2, "failed", "its weights are not as published")))},
            "tiny@2 is not served: its weights are not as published",
        ),
    ],
)
def test_what_is_wrong_with_a_service_is_told(make_case, serve, answers, detail):
    assert (False, detail) in findings(make_case, serve(answers))


def test_a_service_that_wants_a_key_is_told(make_case, serve):
    [_, (is_well, detail)] = findings(make_case, serve(READY | {"/v1/models": (401, {})}))

    assert (True, "it does not show its models without a key") == (is_well, detail)


def test_clocks_that_differ_are_told(make_case, serve):
    url = serve(READY | {"/v1/models": (200, model(version(1)))}, date="Thu, 01 Jan 2026 00:00:00 GMT")

    assert any("its clock is" in detail for _, detail in findings(make_case, url))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://["])
def test_nobody_at_an_address_is_told(make_case, url):
    [(is_well, detail)] = findings(make_case, url)

    assert (False, True) == (is_well, "does not answer as a service" in detail)
