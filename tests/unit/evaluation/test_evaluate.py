import json

import numpy as np
import pytest

from app.core.errors import DatasetError
from app.data.dataset import build_dataset
from app.evaluation.evaluate import evaluate, name_metric
from app.evaluation.protocol import PROTOCOLS, Protocol
from app.evaluation.reference import Reference
from app.repository.evaluation import WATCHED, EvaluationRecord, name_family
from tests.factories import make_inception, make_networks, make_space

TINY = Protocol("full", num_samples=120, kernel_subsets=2, mode_samples=30, cas_steps=1, cas_seeds=2, is_deep=True)


def make_generator(**space):
    return make_networks(space=make_space(**{"num_classes": 2} | space))[0].eval()


@pytest.fixture
def reference(make_halves):
    return Reference(make_halves(128), make_halves(120, seed=1))


@pytest.fixture
def run(make_judge):
    def run_it(reference, generator=None, protocol=TINY, **options):
        judge = make_judge(reference.train, reference.test)
        return evaluate(generator or make_generator(), reference, judge, protocol, **options)

    return run_it


def test_a_record_holds_every_figure_by_its_full_name(run, reference):
    record = run(reference)

    assert {
        *(f"{family}_120_test" for family in ("fid", "kid", "precision", "recall", "density", "coverage")),
        *(f"{family}_120_test" for family in ("fid_per_class_mean", "fid_per_class_worst")),
        *(f"{family}_120" for family in ("inception_score", "label_agreement", "label_agreement_worst")),
        "memorisation_120_train",
        "cas_128",
    } == record.metrics.keys()
    assert all(metric.floor is not None for metric in record.metrics.values())
    assert {"left", "right"} == record.per_class["fid"].keys() == record.per_class["label_agreement"].keys()


def test_a_record_says_what_it_depends_on(run, reference, make_judge):
    record = run(reference, seed=5)

    judge = make_judge(reference.train, reference.test)
    assert ("full", 120, 5) == (record.protocol, record.num_samples, record.seed)
    assert ("halves", "test", 120) == (
        record.reference.name,
        record.reference.split,
        record.reference.num_images,
    )
    assert (reference.test.sha256, judge.sha256) == (record.reference.sha256, record.judge.sha256)
    assert record == EvaluationRecord.model_validate_json(json.dumps(record.model_dump(mode="json", by_alias=True)))


def test_what_promotions_look_at_has_intervals(run, reference):
    metrics = run(reference).metrics

    watched = {name: metric for name, metric in metrics.items() if name_family(name) in WATCHED}
    assert 6 == len(watched)
    assert all(metric.interval is not None for metric in watched.values())


def test_the_same_seed_gives_the_same_figures(run, reference):
    quick = Protocol(
        "quick", num_samples=40, kernel_subsets=2, mode_samples=40, cas_steps=0, cas_seeds=0, is_deep=False
    )

    first, again, other = (run(reference, protocol=quick, seed=seed).metrics for seed in (0, 0, 1))

    assert first == again
    assert first != other


def test_fewer_real_images_take_fewer_samples(run, make_halves):
    record = run(Reference(make_halves(64), make_halves(40, seed=1)))

    assert 40 == record.num_samples
    assert "fid_40_test" in record.metrics
    assert "fid_per_class_mean_40_test" not in record.metrics


def test_without_a_test_split_names_say_train(run, make_halves):
    record = run(Reference(make_halves(120)))

    assert {"fid_120_train", "cas_128_train"} <= record.metrics.keys()
    assert not [name for name in record.metrics if name.startswith("memorisation")]
    assert "train" == record.reference.split


def test_uneven_real_images_are_met_by_samples_in_their_proportions(run, make_halves):
    test = make_halves(160, seed=1)
    rows = np.sort(np.concatenate([np.flatnonzero(test.labels == 0)[:80], np.flatnonzero(test.labels == 1)[:40]]))
    uneven = build_dataset("uneven", test.images[rows], test.labels[rows], test.class_names)
    calls = []

    record = run(Reference(make_halves(256), uneven), on_progress=lambda *at: calls.append(at[0]))

    alike, even = record.metrics["fid_120_test"], record.metrics["fid_balanced_120_test"]
    assert alike.value != even.value
    assert alike.floor != even.floor
    assert None not in {alike.interval, alike.floor, even.interval, even.floor}
    assert "reference" == record.class_shares
    assert sorted(calls) == calls


def test_a_generator_without_classes_is_asked_for_modes_instead(run, reference):
    metrics = run(reference, make_generator(num_classes=0)).metrics

    assert 2 == metrics["modes_30"].floor
    assert 1 / 60 == pytest.approx(metrics["reverse_kl_30"].floor, rel=1e-5)
    assert not [name for name in metrics if name.startswith(("label_agreement", "cas"))]


def test_data_without_classes_has_no_figures_of_classes(run, make_halves):
    reference = Reference(make_halves(64, labelled=False), make_halves(40, seed=1, labelled=False))

    metrics = run(reference, make_generator(num_classes=0)).metrics

    assert {"fid", "kid", "precision", "recall", "density", "coverage", "memorisation"} == {
        name_family(name) for name in metrics
    }


def test_modes_of_colour_images_are_combinations_of_channels(run, make_halves, make_judge):
    grey = make_halves()
    colour = [make_halves(64, seed=seed, labelled=False, channels=3) for seed in (0, 1)]

    record = run(Reference(*colour), make_generator(num_classes=0, channels=3), channel_judge=make_judge(grey))

    assert 8 == record.metrics["modes_30"].floor


def test_figures_through_inception_stand_beside_those_of_the_judge(run, reference):
    without, record = run(reference), run(reference, inception=make_inception())

    families = ("inception_fid_120_test", "inception_kid_120_test", "inception_inception_score_120")
    assert {*without.metrics, *families} == record.metrics.keys()
    assert ["lower", "lower", "higher"] == [record.metrics[name].better for name in families]
    assert all(record.metrics[name].floor is not None for name in families)
    assert None is not record.metrics["inception_fid_120_test"].interval
    assert (None, "e" * 64) == (without.inception, record.inception.sha256)


@pytest.mark.parametrize("inception", [None, make_inception()], ids=["judge", "inception"])
def test_progress_never_goes_back_and_ends_at_the_end(run, reference, inception):
    calls = []

    run(reference, inception=inception, on_progress=lambda *at: calls.append(at))

    done = [at[0] for at in calls]
    assert sorted(done) == done
    assert done[-1] == calls[-1][1]
    assert "drawing samples" in {at[2] for at in calls}


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"height": 16}, "size or colour"),
        ({"channels": 3}, "size or colour"),
        ({"num_classes": 3}, "the generator has 3 classes, and the data 2"),
    ],
    ids=["size", "colour", "classes"],
)
def test_data_of_another_kind_is_refused(run, reference, space, sentence):
    with pytest.raises(DatasetError, match=sentence):
        run(reference, make_generator(**space))


def test_a_channel_judge_is_for_colour_images(run, reference, make_judge):
    with pytest.raises(DatasetError, match="colour channels"):
        run(reference, channel_judge=make_judge(reference.train))


def test_too_few_real_images_are_refused(run, make_halves):
    with pytest.raises(DatasetError, match="at least 20 real images"):
        run(Reference(make_halves(64), make_halves(10)))


def test_a_generator_that_copies_is_told_from_one_that_does_not(run, make_halves):
    train = make_halves(64)
    random = np.random.default_rng(9)
    noise = random.integers(0, 256, size=(40, 8, 8, 1), dtype=np.uint8)
    reference = Reference(train, build_dataset("noise", noise, np.arange(40) % 2, train.class_names))

    assert run(reference).metrics["memorisation_40_train"].value > 0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("fid", 10_000, "test"), "fid_10k_test"),
        (("fid", 1797, "train"), "fid_1797_train"),
        (("label_agreement_worst", 2000, "test"), "label_agreement_worst_2k"),
        (("cas", 25_600, "test"), "cas_25600"),
        (("memorisation", 10_000, "test"), "memorisation_10k_train"),
        (("modes", 25_600, "train"), "modes_25600"),
    ],
    ids=str,
)
def test_names_state_count_and_reference(arguments, name):
    assert name == name_metric(*arguments)


def test_the_full_protocol_is_that_of_the_published_figures():
    full = PROTOCOLS["full"]

    assert (10_000, 25_600, 25_600) == (full.num_samples, full.cas_samples, full.mode_samples)
    assert 0 == PROTOCOLS["quick"].cas_samples
