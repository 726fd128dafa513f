import json

import pytest
import torch

from app.core.errors import CollapsedError, RecipeError
from app.repository.evaluation import read_evaluation
from app.repository.store import ModelRepository
from app.training.batching.batches import BatchSource
from app.training.loop import Loop
from app.training.monitoring.monitor import Monitor
from app.training.monitoring.watch import Finding

NO_AUGMENTATION = {"augmentation": {"policies": []}}


def run_to_end(session, run):
    reports = []
    return session.train(run, should_stop=lambda: False, on_report=reports.append), reports


class CollapsingMonitor(Monitor):
    """Sees a collapse at the second snapshot."""

    def __init__(self):
        self.looks = 0

    def start(self, step):
        self.first = step

    def observe(self, step, means, *, images_per_second):  # noqa: ARG002 - as the real one
        return []

    def look(self, trainer, step):  # noqa: ARG002 - as the real one
        self.looks += 1
        return [Finding("collapse", "all images are one", "diversity", 0.0)] if self.looks == 2 else []

    def close(self):
        self.closed = True


def make_loop(session, run, monitor, reports=None):
    reports = [] if reports is None else reports
    batches = BatchSource(session.dataset, batch_size=12, seed=0)
    return Loop(run, session._create_trainer(), batches, monitor, on_report=reports.append)


def test_the_weights_with_the_best_fid_are_kept_and_published(make_session, tmp_path):
    sections = NO_AUGMENTATION | {"monitor": {"evaluation_samples": 100}}
    session = make_session(steps=12, sections=sections, judged_in=tmp_path / "judges")
    run = session.open_run(tmp_path, "halves")

    trained, _ = run_to_end(session, run)

    entries = [json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()]
    fids = {entry["step"]: entry["evaluation"]["fid_100_train"] for entry in entries if "evaluation" in entry}
    best = json.loads((run.path / "monitor.json").read_text())["best"]
    assert [3, 6, 9, 12] == list(fids)
    assert min(fids, key=fids.get) == best["step"]
    kept = session._create_trainer()
    kept.averager.average.load_state_dict(trained.trainer.averager.average.state_dict())
    probe = session.assessment.create_probe(100)
    assert pytest.approx(best["fid"], rel=1e-3) == probe.measure(trained.trainer.averager.average)["fid_100_train"]


def test_a_run_is_published_with_its_figures_and_curves(make_session, tmp_path):
    session = make_session(sections=NO_AUGMENTATION, judged_in=tmp_path / "judges")
    trained, _ = run_to_end(session, session.open_run(tmp_path, "halves"))
    repository = ModelRepository(str(tmp_path / "models"))

    record = session.evaluate(trained, "quick")
    manifest = session.publish(trained, repository, "halves", evaluation=record)

    assert record == read_evaluation(manifest)
    assert "train" == record.reference.split
    assert repository.read_file("halves", 1, "curves.png").startswith(b"\x89PNG")
    assert "curves.png" in repository.read_file("halves", 1, "README.md").decode()


def test_an_encoder_is_measured_with_its_generator(make_session, tmp_path):
    session = make_session(architecture="vae", objective="elbo", judged_in=tmp_path / "judges")
    trained, _ = run_to_end(session, session.open_run(tmp_path, "halves"))

    metrics = session.evaluate(trained, "quick").metrics

    error = next(metric for name, metric in metrics.items() if name.startswith("reconstruction_mse_"))
    assert 0 < error.value < 1
    assert 0 == error.floor


def test_an_evaluation_needs_to_know_where_the_data_is(make_session, tmp_path):
    session = make_session(sections={"monitor": {"evaluation_samples": 100}})

    with pytest.raises(RecipeError, match="where the data is"):
        run_to_end(session, session.open_run(tmp_path, "halves"))


def test_a_collapse_stops_the_run_where_the_recipe_says_so(make_session, tmp_path):
    session = make_session(sections={"monitor": {"on_collapse": "stop"}})
    loop = make_loop(session, session.open_run(tmp_path, "halves"), CollapsingMonitor())

    with pytest.raises(CollapsedError, match="step 6: all images are one"):
        loop.train(should_stop=lambda: False)

    assert 3 == loop.progress.step


def test_a_collapse_ends_the_run_with_its_best_weights_where_the_recipe_says_so(make_session, tmp_path):
    session = make_session(sections={"monitor": {"on_collapse": "restore", "evaluation_samples": 100}})

    progress = make_loop(session, session.open_run(tmp_path, "halves"), CollapsingMonitor()).train(
        should_stop=lambda: False
    )

    assert (6, True) == (progress.step, progress.is_complete)


def test_a_collapse_is_told_with_the_next_line_of_the_log(make_session, tmp_path):
    session, reports = make_session(), []

    progress = make_loop(session, session.open_run(tmp_path, "halves"), CollapsingMonitor(), reports).train(
        should_stop=lambda: False
    )

    told = [report.step for report in reports if "all images are one" in report.findings]
    assert (8, [8]) == (progress.step, told)


def test_a_run_by_the_clock_ends_with_its_schedule(make_session, tmp_path):
    session = make_session(sections=NO_AUGMENTATION, time_budget_s=0.3, clock="cpu", log_interval=1)

    trained, reports = run_to_end(session, session.open_run(tmp_path, "halves"))

    assert trained.is_complete
    assert 1.0 == reports[-1].progress
    assert 0.3 <= trained.progress.budget_seconds < 5


@pytest.mark.parametrize("augmentation", [{"policies": ["translation"]}, {"policies": ["color"], "adaptive": True}])
def test_augmented_and_steered_runs_resume_exactly(make_session, tmp_path, augmentation):
    sections = {
        "augmentation": augmentation | {"ramp_images": 1000},
        "objective": {"name": "relativistic", "gamma_control": True},
        "data": {"balanced": True},
    }
    session = make_session(steps=10, sections=sections)
    whole, _ = run_to_end(session, session.open_run(tmp_path, "whole"))

    stops = iter([False] * 5 + [True])
    run = session.open_run(tmp_path, "parts")
    session.train(run, should_stop=lambda: next(stops), on_report=lambda report: None)
    resumed, _ = run_to_end(session, session.open_run(tmp_path, "parts"))

    assert resumed.is_complete
    states = [trained.trainer.averager.average.state_dict() for trained in (whole, resumed)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert torch.equal(whole.trainer.state()["gamma"], resumed.trainer.state()["gamma"])


def test_tensorboard_gets_the_curves_and_the_grids(make_session, tmp_path):
    session = make_session(sections={"monitor": {"tensorboard": True}})
    run = session.open_run(tmp_path, "halves")

    run_to_end(session, run)

    written = b"".join(path.read_bytes() for path in (run.path / "tensorboard").iterdir())
    assert b"training/discriminator_loss" in written
    assert b"samples" in written
