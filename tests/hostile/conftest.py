"""One service on a real port for all black-box cases; each must leave it as it was."""

import contextlib

import pytest

from tests.rig.canary import Canary
from tests.rig.kit import SECRET, WORST_LIVENESS, Kit
from tests.rig.models import publish_models, write_keys
from tests.rig.server import RUNNING_URL, Target, serve

DEADLINES = {"head_timeout_s": 2, "body_timeout_s": 3, "upload_timeout_s": 4, "write_timeout_s": 2, "connections": 1500}
"""So that slow cases are over soon."""


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """The only folder that the service may know: its models, its keys, its working directory, and a secret."""
    path = tmp_path_factory.mktemp("place")
    for name in ("models", "cwd", "tmp", "home"):
        (path / name).mkdir()
    publish_models(path / "models")
    write_keys(path / "keys.json")
    (path / "secret.txt").write_text(SECRET, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def target(place):
    if RUNNING_URL:
        yield Target(RUNNING_URL)
        return
    deadlines = {f"FOUNT_HTTP__{name.upper()}": str(value) for name, value in DEADLINES.items()}
    variables = {"FOUNT_KEYS_FILE": str(place / "keys.json"), "TMPDIR": str(place / "tmp"), "HOME": str(place / "home")}
    with serve(place / "models", cwd=place / "cwd", **deadlines, **variables) as service:
        service.wait_ready()
        yield service


@pytest.fixture(scope="session")
def running_kit(target):
    with contextlib.ExitStack() as stack:
        kit = Kit(target, stack.enter_context(Canary(target.host, target.port)))
        kit.begin()
        yield kit


@pytest.fixture
def kit(running_kit, record_property):
    """The service; when the test is over it must be as before."""
    yield running_kit
    record_property(WORST_LIVENESS, running_kit.expect_unharmed())
