"""What the measurements of benchmarks/reliability need, as small as they work: a tiny model of two versions."""

import pytest
from reliability.setting import Setting

from tests.factories import publish_tiny_model

NAME = "tiny"


@pytest.fixture
def make_setting(tmp_path):
    repository = tmp_path / "models"
    for seed in (1, 2):
        publish_tiny_model(repository, NAME, seed=seed)

    def make(count, *, clients=8, **settings):
        return Setting(
            folder=tmp_path,
            repository=repository,
            count=count,
            clients=clients,
            model=NAME,
            settings={"FOUNT_WORKER__THREADS": "1"} | settings,
        )

    return make


@pytest.fixture
def find_missed():
    """Tells which bars were missed, and how; seconds are left to the measurements, since tests share their cores."""

    def find(findings):
        missed = [bar.render() for bar in findings.bars if not bar.is_met and not bar.unit]
        return [*missed, *findings.figures.get("failures", [])] if missed else []

    return find
