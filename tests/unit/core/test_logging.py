import io
import json
import logging
import sys
import threading
import warnings

import pytest
import structlog

from app.core.logging import configure_logging, get_constant_logger, get_logger, take_over_logs
from app.core.settings import LogSettings


@pytest.fixture
def written(capsys):
    """Returns what was written to standard error; logs are as before when a test ends."""
    root = logging.getLogger()
    handlers, level, hooks = root.handlers, root.level, (sys.excepthook, threading.excepthook)
    with warnings.catch_warnings():
        yield lambda: capsys.readouterr().err
        logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks


def read_lines(written):
    return [json.loads(line) for line in written().splitlines()]


def configure(level="info", **facts):
    configure_logging(LogSettings(level=level, format="json"), **facts)


def test_a_line_says_when_where_how_bad_and_for_which_request(written):
    configure()

    with structlog.contextvars.bound_contextvars(request_id="r1"):
        get_logger("part").info("something", number=3)

    [line] = read_lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert {"component": "part", "event": "something", "level": "info", "number": 3, "request_id": "r1"} == line


def test_lines_below_the_level_are_left_out_but_records_are_not(written):
    configure("error")

    get_logger("part").warning("news")
    get_constant_logger("audit").info("record")

    assert [("audit", "record")] == [(line["component"], line["event"]) for line in read_lines(written)]


def test_facts_of_a_process_are_in_every_line_and_give_way_to_those_of_the_line(written):
    configure(process="worker", pid=7)

    get_logger("part").info("a")
    get_logger("part").info("b", pid=8)

    assert [("worker", 7), ("worker", 8)] == [(line["process"], line["pid"]) for line in read_lines(written)]


def test_what_libraries_log_warn_of_and_die_of_is_one_line_each(written):
    configure()
    logging.captureWarnings(capture=False)  # or those of a test before are still taken, to where it wrote
    take_over_logs()

    logging.getLogger("library").error("two\nlines")
    logging.getLogger("library").info("nobody wants to know")
    warnings.warn("old ways", stacklevel=1)
    error = ValueError("the end")
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

    lines = read_lines(written)
    assert [
        ("library", "error"),
        ("py.warnings", "warning"),
        ("process", "critical"),
        ("process", "critical"),
    ] == [(line["component"], line["level"]) for line in lines]
    assert "ValueError: the end" in lines[2]["exception"]
    assert "ZeroDivisionError" in lines[3]["exception"]


def test_local_variables_are_in_no_traceback(written):
    configure()

    def fail(key):
        raise RuntimeError("no")

    try:
        fail("canary-secret")
    except RuntimeError:
        get_logger("part").exception("failed")

    text = written()
    assert "RuntimeError: no" in text
    assert "canary-secret" not in text.replace('fail(\\"canary-secret\\")', "")


class Broken(io.StringIO):
    def write(self, _):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_line_that_nobody_takes_fails_nothing(written, monkeypatch):
    configure()

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Broken())
        get_logger("part").info("lost")

    get_logger("part").info("kept")
    assert ["kept"] == [line["event"] for line in read_lines(written)]


def test_forms_that_are_none_do_not_fill_the_log(written):
    configure()
    take_over_logs()

    logging.getLogger("python_multipart.multipart").warning("a byte at the wrong place")

    assert [] == read_lines(written)
