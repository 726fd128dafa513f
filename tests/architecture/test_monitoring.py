"""Dashboard, alerts, page and service speak of the same metrics; what watches is as careful as what is watched."""

import json
import os
import re
import time

import pytest
import yaml

from app.core.errors import iter_errors
from tests import fakes
from tests.architecture.source import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
ALERTS = [
    rule
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/fount.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SCRAPE = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
METRICS = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
WATCHERS = ["prometheus", "grafana"]
EXPRESSIONS = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(variable["definition"] for variable in DASHBOARD["templating"]["list"]),
    *(rule["expr"] for rule in ALERTS),
]

NAME = re.compile(r"\b(?:fount|process)_[a-z0-9_]+")
OWN_SERIES = ("_bucket", "_sum", "_count")


def names_in(expression):
    """List the metrics that an expression asks for, without what stands in quotes and braces of labels."""
    return set(NAME.findall(re.sub(r'"[^"]*"', "", expression)))


def documented():
    return set(re.findall(r"`((?:fount|process)_[a-z0-9_]+)`", METRICS))


@pytest.fixture
def real_worker(monkeypatch):
    """The worker that pretends says that it is this process, which can be measured."""
    monkeypatch.setattr(fakes, "FIRST_FAKE_PID", os.getpid() - 1)


@pytest.fixture
async def exposed(real_worker, client):
    """What a service that did a little says of its metrics: kinds by name, and labels by name."""
    ask = {"model": "tiny", "num_samples": 3}
    (await client.post("/v1/samples", json=ask)).raise_for_status()
    text = (await client.get("/metrics")).text
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    labels = {}
    for name, listed in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", text, re.MULTILINE):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', listed))
    return kinds, labels


def family_of(name, kinds):
    """Find the metric that a series belongs to; None for none."""
    bare = next((name.removesuffix(end) for end in OWN_SERIES if name.endswith(end)), name)
    return name if name in kinds else bare if kinds.get(bare) == "histogram" else None


async def test_whatever_dashboard_and_alerts_ask_for_exists(exposed):
    kinds, _ = exposed

    assert [] == [
        (name, expression) for expression in EXPRESSIONS for name in names_in(expression) if not family_of(name, kinds)
    ]


async def test_every_metric_is_documented_and_no_other(exposed):
    kinds, _ = exposed

    assert set(kinds) == documented()


async def test_labels_that_are_asked_for_exist(exposed):
    kinds, labels = exposed
    given_by_the_scrape = {"instance", "job"}

    for expression in EXPRESSIONS:
        for name, selected in re.findall(r"\b((?:fount|process)_[a-z0-9_]+)\{([^}]*)\}", expression):
            known = labels.get(name, set()) | given_by_the_scrape
            asked = set(re.findall(r'(\w+)(?:=~|!=|=)"', selected))
            assert name not in labels or asked <= known, expression
    assert kinds


async def test_counters_are_read_by_their_rate(exposed):
    kinds, _ = exposed

    for expression in EXPRESSIONS:
        for name in names_in(expression):
            if kinds.get(name) == "counter":
                assert re.search(rf"(?:rate|increase)\({name}\b", expression), expression


async def test_metrics_are_written_within_a_moment(client):
    await client.get("/metrics")
    began = time.process_time()
    await client.get("/metrics")

    assert time.process_time() - began < 0.25


def test_every_problem_that_an_alert_names_is_one():
    codes = {error.code for error in iter_errors()} | {"answer-broken-off"}

    named = {
        code
        for expression in EXPRESSIONS
        for listed in re.findall(r'code=~?"([^"]+)"', expression)
        for code in listed.split("|")
    }

    assert named
    assert named <= codes


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_the_page_says_what_to_do(rule):
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert re.search(rf"^\| `{rule['alert']}` \| .+ \| .+ \|$", PAGE, re.MULTILINE)


def test_the_page_names_no_alert_that_is_gone():
    assert {rule["alert"] for rule in ALERTS} == set(re.findall(r"^\| `(Fount\w+)` \|", PAGE, re.MULTILINE))


def test_panels_have_their_own_number_and_lie_side_by_side():
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len(DASHBOARD["panels"]) == len({panel["id"] for panel in DASHBOARD["panels"]})


def test_panels_read_the_source_that_is_provisioned():
    [source] = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))[
        "datasources"
    ]

    used = [panel["datasource"] for panel in PANELS]
    used += [target["datasource"] for panel in PANELS for target in panel["targets"]]
    used += [variable["datasource"] for variable in DASHBOARD["templating"]["list"]]
    assert [{"type": source["type"], "uid": source["uid"]}] * len(used) == used


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_is_of_a_known_kind_and_says_what_it_shows(panel):
    assert panel["type"] in {"stat", "timeseries", "table"}
    assert panel["title"]
    assert panel["description"]
    assert [] == [
        target
        for target in panel["targets"]
        if not target["expr"] or target["expr"].count("(") != target["expr"].count(")")
    ]


def test_rows_are_those_that_the_page_names():
    rows = [panel["title"].lower() for panel in DASHBOARD["panels"] if panel["type"] == "row"]

    assert ["traffic", "latency", "device and batches", "versions", "errors and refusals", "resources"] == rows


@pytest.mark.parametrize("name", WATCHERS)
def test_what_watches_runs_with_the_least_it_needs(name):
    service = COMPOSE["services"][name]

    assert ["monitoring"] == service["profiles"]
    assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])
    assert service["read_only"] is True
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert {"mem_limit", "cpus", "pids_limit", "user"} <= service.keys()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_prometheus_asks_the_service_of_compose_with_the_key_that_compose_gives_it():
    [job] = SCRAPE["scrape_configs"]
    [config] = COMPOSE["services"]["prometheus"]["configs"]

    assert ["api:8000"] == job["static_configs"][0]["targets"]
    assert f"/etc/prometheus/{job['authorization']['credentials_file']}" == config["target"]
    assert config["source"] in COMPOSE["configs"]


def test_every_file_that_compose_mounts_is_there():
    mounts = [volume for name in WATCHERS for volume in COMPOSE["services"][name]["volumes"]]

    assert [] == [mount for mount in mounts if mount.startswith("./") and not (ROOT / mount.split(":")[0]).exists()]
    assert all(mount.endswith(":ro") for mount in mounts if mount.startswith("./"))


def test_both_signatures_of_an_expression_are_seen_through():
    assert {"fount_a_total", "process_b"} == names_in('sum(rate(fount_a_total{code="fount_no"}[5m])) / process_b')
