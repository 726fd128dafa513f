import sys
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from app.core.errors import ConfigurationError, WorkerLostError
from app.deploy import ray_serve
from app.deploy.ray_serve import Deployment, choose_settings, create_replica, require_worker

KEY = "a-key-of-this-test"


@pytest.fixture(autouse=True)
def logs(monkeypatch):
    """A replica sets up the log of its process, which is not this one."""
    monkeypatch.setattr(ray_serve, "configure_logging", lambda _: None)


def dump(**arguments):
    return choose_settings(Deployment(**arguments)).model_dump_json(exclude={"api_key", "keys_file"})


def test_a_replica_computes_on_what_it_reserves():
    on_cores, on_gpu = (choose_settings(Deployment(**one)).worker for one in ({"cpus": 3}, {"gpus": 0.5}))

    assert ("cpu", 3) == (on_cores.device, on_cores.threads)
    assert ("cuda", 1) == (on_gpu.device, on_gpu.threads)


def test_models_in_a_folder_are_found_from_any_working_folder():
    assert choose_settings(Deployment(repository="models")).repository.url.startswith("/")
    assert "s3://bucket/models" == choose_settings(Deployment(repository="s3://bucket/models")).repository.url


def test_a_replica_has_the_settings_of_the_one_who_deployed(monkeypatch, tmp_path):
    monkeypatch.setenv("FOUNT_QUEUE__REQUESTS", "7")
    dumped = dump(insecure=True, repository=str(tmp_path))
    monkeypatch.setenv("FOUNT_QUEUE__REQUESTS", "9")

    assert 7 == create_replica(dumped).state.services.settings.queue.requests


def test_keys_are_those_of_the_replica(monkeypatch, tmp_path):
    monkeypatch.setenv("FOUNT_API_KEY", "another-key-of-this-test")
    dumped = dump(repository=str(tmp_path))
    monkeypatch.setenv("FOUNT_API_KEY", KEY)

    settings = create_replica(dumped).state.services.settings

    assert "key-of-this-test" not in dumped
    assert KEY == settings.api_key.get_secret_value()


def test_without_keys_no_replica_starts():
    with pytest.raises(ConfigurationError, match="keys"):
        create_replica(dump())


def test_a_mistyped_argument_is_refused():
    with pytest.raises(ValidationError):
        Deployment(replica=2)


def test_a_replica_without_a_worker_is_not_healthy(tmp_path):
    application = create_replica(dump(insecure=True, repository=str(tmp_path)))

    with pytest.raises(WorkerLostError):
        require_worker(application)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())

    with pytest.raises(ConfigurationError, match=r"fount\[ray\]"):
        ray_serve.app(Deployment())
