from app.schemas.jobs import NumericsConfig
from app.serving.configuring import worker_config
from tests.drafts import publish_draft
from tests.fakes import FAKE_NUMERICS, make_engine, make_settings


def test_the_worker_is_told_the_settings_of_numerics(tmp_path):
    switches = {"fold_batch_norm": False, "channels_last": False, "cuda_graphs": False}

    configs = [
        worker_config(make_settings(tmp_path, worker=worker), str(tmp_path)).numerics
        for worker in ({}, {"precision": "bfloat16", **switches})
    ]

    assert [NumericsConfig(), NumericsConfig("bfloat16", **switches)] == configs


async def test_numerics_are_known_while_a_worker_has_the_version(tmp_path):
    publish_draft(tmp_path)
    engine = make_engine(tmp_path)

    await engine.start()
    version = engine.catalog.resolve("tiny")
    running = engine.numerics(version)
    await engine.stop(grace_s=0)

    assert FAKE_NUMERICS == running
    assert engine.numerics(version) is None
