import re

import pytest
import yaml

from app.core.settings import HttpSettings
from tests.architecture.source import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = ["api", "train"]


@pytest.mark.parametrize("name", SERVICES)
def test_service_runs_with_the_least_it_needs(name):
    service = COMPOSE["services"][name]

    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit"} <= service.keys()


def test_only_the_hosts_loopback_is_published():
    assert ["127.0.0.1:${PORT:-8000}:8000"] == COMPOSE["services"]["api"]["ports"]
    assert "ports" not in COMPOSE["services"]["train"]


def test_services_share_the_models_and_nothing_needs_a_gpu():
    assert all("models:/models" in COMPOSE["services"][name]["volumes"] for name in SERVICES)
    assert not any("deploy" in COMPOSE["services"][name] for name in SERVICES)


def test_the_gpu_file_reserves_a_gpu_for_both_services():
    override = yaml.safe_load((ROOT / "docker-compose.gpu.yml").read_text(encoding="utf-8"))

    assert SERVICES == sorted(override["services"])
    assert all("reservations" in override["services"][name]["deploy"]["resources"] for name in SERVICES)


def test_image_runs_as_the_user_that_compose_names():
    assert ["10001:10001"] == re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)


def test_image_takes_nothing_but_torch_without_a_hash():
    installs = re.findall(r"pip .*?install (.+?)(?: \\)?$", DOCKERFILE, re.MULTILINE)

    assert [
        "--require-hashes -r requirements/build.txt",
        "--require-hashes --no-deps -r requirements/image.txt",
        "-c requirements.lock torch",
        "--no-index --find-links dist 'fount[train]'",
    ] == installs


def test_image_lists_what_is_in_it():
    assert "COPY --from=build /src/sbom.cdx.json /usr/share/fount/sbom.cdx.json" in DOCKERFILE


def test_stopping_leaves_answers_the_time_that_the_service_gives_them():
    grace = int(COMPOSE["services"]["api"]["stop_grace_period"].removesuffix("s"))

    assert grace > HttpSettings().shutdown_grace_s


def test_image_contains_only_what_is_listed():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert "*" == next(line for line in ignored if not line.startswith("#"))
