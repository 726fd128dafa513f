import os
from pathlib import Path

from app.core.children import child_environment


def test_the_worker_inherits_the_environment_without_our_settings():
    environment = {"PATH": "/bin", "FOUNT_API_KEY": "secret", "AWS_REGION": "x"}

    child = child_environment(environment, threads=3)

    assert "FOUNT_API_KEY" not in child
    assert ("/bin", "x") == (child["PATH"], child["AWS_REGION"])
    assert ("3", "3") == (child["OMP_NUM_THREADS"], child["MKL_NUM_THREADS"])


def test_our_package_comes_first_on_the_workers_path():
    child = child_environment({"PYTHONPATH": "/elsewhere"}, threads=1)

    first, second = child["PYTHONPATH"].split(os.pathsep)

    assert (Path(first) / "app" / "worker").is_dir()
    assert "/elsewhere" == second
