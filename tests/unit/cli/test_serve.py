import json
import logging
import socket

import pytest
from typer.testing import CliRunner

from app.api.gate import AnswerAbortedError
from app.cli import app
from app.cli import serve as serve_module


@pytest.fixture
def run(tmp_path):
    return lambda *arguments: CliRunner().invoke(app, ["serve", "--repository", str(tmp_path), *arguments])


@pytest.fixture
def started(monkeypatch):
    """What would have been served, without serving it."""
    calls = []
    monkeypatch.setattr("app.core.logging.configure_logging", lambda settings: None)  # it would outlive the test
    monkeypatch.setattr(
        serve_module, "run_service", lambda app, settings, listener, announce: calls.append((settings, listener))
    )
    return calls


def test_options_go_before_the_environment(run, started, monkeypatch, tmp_path):
    monkeypatch.setenv("FOUNT_HTTP__KEEP_ALIVE_S", "7")
    monkeypatch.setenv("FOUNT_WORKER__THREADS", "3")

    result = run("--port", "0", "--threads", "2", "--device", "cpu", "--log-level", "warning")

    settings, _ = started[0]
    assert 0 == result.exit_code
    assert (7, 2, "cpu", "warning") == (
        settings.http.keep_alive_s,
        settings.worker.threads,
        settings.worker.device,
        settings.log.level,
    )
    assert str(tmp_path) == settings.repository.url


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("FOUNT_HTTP__KEEP_ALIVE_S", "x", "FOUNT_HTTP__KEEP_ALIVE_S"),
        ("FOUNT_HTTP__PROT", "80", "FOUNT_HTTP__PROT"),
        ("FOUNT_HOTS", "x", "FOUNT_HOTS"),
        ("FOUNT_PORT", "80", "did you mean `FOUNT_HTTP__PORT`"),
        ("FOUNT_WORKER__BATCH_SIZES", "x", "FOUNT_WORKER__BATCH_SIZES"),
        ("FOUNT_WORKER__BATCH_SIZES", "[64, 16]", "FOUNT_WORKER__BATCH_SIZES"),
        ("FOUNT_WORKER", "x", "FOUNT_WORKER"),
        ("FOUNT_API_KEY", "short", "api_key"),
        ("FOUNT_KEYS_FILE", "/absent/keys.json", "FOUNT_KEYS_FILE"),
        ("FOUNT_HTTP__HOST", "0.0.0.0", "--insecure"),
    ],
)
def test_a_setting_that_is_not_valid_stops_the_start(run, started, monkeypatch, variable, value, named):
    monkeypatch.setenv(variable, value)

    result = run("--port", "0")

    assert (1, []) == (result.exit_code, started)
    assert named in result.stderr
    assert "Traceback" not in result.stderr


def test_insecure_serves_strangers(run, started):
    assert 0 == run("--host", "0.0.0.0", "--insecure", "--port", "0").exit_code


def test_a_port_that_is_taken_is_told_at_once(run, started):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--port", str(taken.getsockname()[1]))

    assert (1, []) == (result.exit_code, started)
    assert "cannot listen on 127.0.0.1" in result.stderr


def test_what_the_server_logs_goes_through_our_log(capfd, monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    serve_module._forward_logs()

    logging.getLogger("uvicorn.error").error("something broke")
    logging.getLogger("uvicorn.error").error("told before", exc_info=AnswerAbortedError())

    output = "".join(capfd.readouterr())
    assert "something broke" in output
    assert "told before" not in output


def test_the_interface_is_described_without_starting_anything():
    result = CliRunner().invoke(app, ["openapi"])

    assert "/v1/samples" in json.loads(result.stdout)["paths"]
