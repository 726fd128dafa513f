import json

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.cli.diagnosis import registry
from app.cli.diagnosis.finding import Finding
from app.core.errors import ConfigurationError


def run(*arguments):
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def checks(monkeypatch):
    """Lets the doctor run these checks, and no others."""

    def choose(**chosen):
        monkeypatch.setattr(registry, "CHECKS", chosen)

    return choose


def find(is_well=True, advice=""):
    return lambda case: iter([Finding("it", is_well, "seen", advice)])


@pytest.mark.parametrize(("is_well", "status"), [(True, 0), (False, 1)])
def test_the_exit_status_says_whether_anything_is_wrong(checks, is_well, status):
    checks(one=find(), other=find(is_well=is_well, advice="do this"))

    result = run()

    assert (status, True) == (result.exit_code, "hint: do this" in result.stdout)


def test_findings_are_reported_as_json(checks):
    checks(one=find(advice="do this"))

    assert [{"name": "it", "is_well": True, "detail": "seen", "advice": "do this"}] == json.loads(run("--json").stdout)[
        "findings"
    ]


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (ConfigurationError("it is no file"), "it is no file"),
        (ImportError("no such module"), "no such module"),
        (PermissionError(13, "Permission denied"), "this cannot be looked at: Permission denied"),
    ],
)
def test_a_check_that_breaks_is_a_finding(checks, error, detail):
    def break_down(case):
        raise error
        yield

    checks(one=break_down, other=find())
    result = run("--json")

    findings = json.loads(result.stdout)["findings"]
    assert (1, [(False, detail), (True, "seen")]) == (
        result.exit_code,
        [(finding["is_well"], finding["detail"]) for finding in findings],
    )


def test_settings_that_are_not_valid_are_told_and_the_rest_is_looked_at(checks, monkeypatch):
    monkeypatch.setenv("FOUNT_HTTP__PORT", "x")
    checks(one=find())

    result = run("--json")

    first, second = json.loads(result.stdout)["findings"]
    assert (1, False, True) == (result.exit_code, first["is_well"], second["is_well"])
    assert "FOUNT_HTTP__PORT" in first["detail"]


def test_every_check_runs_here_and_has_its_own_name(tmp_path, monkeypatch):
    monkeypatch.setenv("FOUNT_REPOSITORY__URL", str(tmp_path))

    names = [finding["name"] for finding in json.loads(run("--json").stdout)["findings"]]

    assert set(registry.CHECKS) - {"keys", "aliases", "service"} == set(names) - {"training"}
