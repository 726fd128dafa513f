import os
from pathlib import Path

import pytest

from app.core.children import Expendability, be_expendable, child_environment


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


@pytest.mark.parametrize(("before", "after"), [("0\n", "500"), ("-900\n", "500"), ("900\n", "900\n")])
def test_a_child_only_ever_becomes_more_expendable(tmp_path, before, after):
    file = tmp_path / "oom_score_adj"
    file.write_text(before)

    be_expendable(Expendability.WORKER, file)

    assert after == file.read_text()


def test_where_the_system_cannot_be_told_nothing_happens(tmp_path):
    be_expendable(Expendability.WORKER, tmp_path / "none")

    assert [] == list(tmp_path.iterdir())
