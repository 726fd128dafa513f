import json

import pytest
import torch

from app.core.errors import DivergedError, SnapshotError
from app.core.seeds import draw_latents
from app.generators.pixels import to_pixels
from app.repository.store import ModelRepository
from app.training.runs.snapshot import list_snapshots

FAMILIES = [
    ("dcgan", "non_saturating"),
    ("resnet_gan", "relativistic"),
    ("dcgan", "hinge"),
    ("mlp_gan", "non_saturating"),
    ("vae", "elbo"),
    ("autoencoder", "elbo"),
]


def run_training(session, run, *, stop_after=None):
    reports = []
    remaining = iter(range(stop_after or 0))

    def should_stop():
        return stop_after is not None and next(remaining, None) == stop_after - 1

    trained = session.train(run, should_stop=should_stop, on_report=reports.append)
    return trained, reports


def weights(trained):
    networks = trained.trainer.networks().values()
    return [tensor for network in networks for tensor in network.state_dict().values()]


@pytest.mark.parametrize(("architecture", "objective"), FAMILIES)
@pytest.mark.parametrize("stop_after", [1, 4, 5])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    make_session, tmp_path, architecture, objective, stop_after
):
    session = make_session(architecture=architecture, objective=objective)
    whole, _ = run_training(session, session.open_run(tmp_path, "whole"))

    stopped, _ = run_training(session, session.open_run(tmp_path, "parts"), stop_after=stop_after)
    resumed, _ = run_training(session, session.open_run(tmp_path, "parts"))

    assert stop_after == stopped.progress.step
    assert not stopped.is_complete
    assert resumed.is_complete
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_the_same_seed_trains_the_same_weights(make_session, tmp_path):
    session = make_session()

    first, _ = run_training(session, session.open_run(tmp_path, "first"))
    second, _ = run_training(session, session.open_run(tmp_path, "second"))

    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


@pytest.mark.parametrize(("architecture", "objective"), FAMILIES)
def test_samples_learn_what_their_class_looks_like(make_session, tmp_path, architecture, objective):
    session = make_session(steps=150, architecture=architecture, objective=objective, log_interval=50)

    trained, _ = run_training(session, session.open_run(tmp_path, "halves"))

    generator = trained.trainer.averager.average
    latents = torch.from_numpy(draw_latents(0, torch.arange(20).numpy(), 4))
    with torch.no_grad():
        pixels = to_pixels(generator(latents, torch.arange(20) % 2)).float()
    brighter_left = pixels[:, :, :4].mean(dim=(1, 2, 3)) > pixels[:, :, 4:].mean(dim=(1, 2, 3)) + 40
    assert ([True, False] * 10) == brighter_left.tolist()


def test_bfloat16_trains_too(make_session, tmp_path):
    session = make_session(architecture="resnet_gan", objective="relativistic", precision="bfloat16")

    trained, reports = run_training(session, session.open_run(tmp_path, "bf16"))

    assert trained.is_complete
    assert torch.float32 is trained.trainer.generator.dense.weight.dtype
    assert {"discriminator_loss", "generator_loss", "r1", "r2"} <= set(reports[0].losses)


def test_a_run_leaves_a_log_grids_and_its_last_two_snapshots(make_session, tmp_path):
    session = make_session()
    run = session.open_run(tmp_path, "halves")

    run_training(session, run)

    steps = [json.loads(line)["step"] for line in (run.path / "log.jsonl").read_text().splitlines()]
    assert [2, 4, 6, 8] == steps
    assert ["step-000000003.png", "step-000000006.png", "step-000000008.png"] == sorted(
        path.name for path in run.grids.iterdir()
    )
    assert ["step-000000006.safetensors", "step-000000008.safetensors"] == [
        path.name for path in list_snapshots(run.snapshots)
    ]


def test_an_unfinished_run_is_resumed_and_a_finished_or_other_one_is_not(make_session, tmp_path):
    session = make_session()
    first = session.open_run(tmp_path, "name")

    assert first == session.open_run(tmp_path, "name")
    assert "002" == make_session(steps=9).open_run(tmp_path, "name").path.name
    assert "003" == session.open_run(tmp_path, "name").path.name
    assert "004" == session.open_run(tmp_path, "name", fresh=True).path.name
    session.open_run(tmp_path, "name").finish({})
    assert "005" == session.open_run(tmp_path, "name").path.name


def test_a_run_that_was_only_trained_is_published_without_training_again(make_session, tmp_path):
    session = make_session()
    run = session.open_run(tmp_path, "name")
    trained, _ = run_training(session, run)
    run.finish({"version": None})

    again = session.open_run(tmp_path, "name", publish=True)
    republished, reports = run_training(session, again)
    again.finish({"version": 1})

    assert run == again
    assert [] == reports
    assert all(torch.equal(a, b) for a, b in zip(weights(trained), weights(republished), strict=True))
    assert "002" == session.open_run(tmp_path, "name", publish=True).path.name


def test_a_broken_state_is_not_snapshotted_between_log_lines(make_session, tmp_path):
    session = make_session(log_interval=100, snapshot_interval=3)
    broken = session.config.optimizer.model_copy(update={"discriminator_lr": 1e30, "generator_lr": 1e30})
    object.__setattr__(session, "config", session.config.model_copy(update={"optimizer": broken}))
    run = session.open_run(tmp_path, "name")

    with pytest.raises(DivergedError, match="step 3"):
        run_training(session, run)

    assert run.latest_snapshot() is None


def test_a_run_keeps_the_precision_it_began_with(make_session, tmp_path):
    run = make_session().open_run(tmp_path, "name")

    assert "bfloat16" == run.settle_precision("bfloat16")
    assert "bfloat16" == run.settle_precision("float32")


def test_a_torn_snapshot_is_refused_by_name(make_session, tmp_path):
    session = make_session()
    run = session.open_run(tmp_path, "halves")
    run_training(session, run, stop_after=3)
    snapshot = run.latest_snapshot()
    snapshot.write_bytes(snapshot.read_bytes()[:-100])

    with pytest.raises(SnapshotError, match="step-000000003"):
        run_training(session, run)


def test_a_loss_that_is_not_finite_stops_the_run(make_session, tmp_path):
    session = make_session()
    run = session.open_run(tmp_path, "halves")
    broken = session.config.optimizer.model_copy(update={"discriminator_lr": 1e30, "generator_lr": 1e30})
    object.__setattr__(session, "config", session.config.model_copy(update={"optimizer": broken}))

    with pytest.raises(DivergedError, match="not finite"):
        run_training(session, run)

    assert run.latest_snapshot() is None


def test_a_trained_generator_is_published_whole(make_session, tmp_path):
    session = make_session()
    trained, _ = run_training(session, session.open_run(tmp_path / "runs", "halves"))
    repository = ModelRepository(str(tmp_path / "models"))

    manifest = session.publish(trained, repository, "halves-gan")

    assert manifest == repository.verify("halves-gan", 1)
    assert (["left", "right"], 8 * 12) == (manifest.class_names, manifest.training.images_seen)
    assert session.dataset.sha256 == manifest.training.dataset.sha256
    assert repository.read_file("halves-gan", 1, "grid.png").startswith(b"\x89PNG")
    assert "# halves-gan" in repository.read_file("halves-gan", 1, "README.md").decode()


def test_an_estimate_is_measured(make_session):
    estimate = make_session(steps=1000).estimate()

    assert estimate.seconds == pytest.approx(1000 * 12 / estimate.images_per_second)
    assert estimate.memory_bytes > 2**20
