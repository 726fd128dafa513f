import pytest
from pydantic import ValidationError

from app.repository.evaluation import (
    Metric,
    compare_records,
    describe_metric,
    dump_evaluation,
    find_obstacle,
    format_figure,
    is_worse,
    name_family,
    read_evaluation,
    sort_metrics,
)
from app.repository.manifest import dump_manifest, parse_manifest
from tests.drafts import make_draft, make_record


def record_of(name, value, interval=None, better="lower", **changes):
    return make_record({name: Metric(value=value, interval=interval, better=better)}, **changes)


def test_a_record_survives_the_manifest():
    record = make_record()

    manifest = parse_manifest(dump_manifest(make_draft(evaluation=dump_evaluation(record))))

    assert record == read_evaluation(manifest)


@pytest.mark.parametrize("evaluation", [{}, {"schema": "fount-evaluation/2"}, {"fid": 3}], ids=str)
def test_what_is_no_record_reads_as_none(evaluation):
    assert None is read_evaluation(make_draft(evaluation=evaluation))


@pytest.mark.parametrize(
    "changes",
    [{"value": float("nan")}, {"interval": (2.0, 1.0)}, {"better": "larger"}, {"colour": "red"}],
    ids=str,
)
def test_a_figure_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ValidationError):
        Metric(**{"value": 1.0, "better": "lower"} | changes)


def test_a_figure_is_worse_when_the_intervals_do_not_touch():
    candidate = record_of("fid_10k_test", 3.2, (3.1, 3.3))

    assert ["fid_10k_test is 3.2 (3.1 to 3.3) against 2.1 (2 to 2.2)"] == is_worse(
        candidate, record_of("fid_10k_test", 2.1, (2.0, 2.2))
    )
    assert [] == is_worse(candidate, record_of("fid_10k_test", 3.0, (2.9, 3.1)))
    assert [] == is_worse(candidate, record_of("fid_10k_test", 9.0, (8.0, 10.0)))


def test_higher_is_better_where_the_figure_says_so():
    low, high = record_of("cas_25600", 0.95, better="higher"), record_of("cas_25600", 0.99, better="higher")

    assert 1 == len(is_worse(low, high))
    assert [] == is_worse(high, low)


@pytest.mark.parametrize(("value", "count"), [(2.05, 0), (2.2, 1)])
def test_without_intervals_two_percent_on_either_side_are_noise(value, count):
    assert count == len(is_worse(record_of("fid_2k_test", value), record_of("fid_2k_test", 2.0)))


@pytest.mark.parametrize("name", ["precision_10k_test", "density_10k_test", "inception_score_10k"])
def test_figures_that_reward_collapse_do_not_stop_a_promotion(name):
    assert [] == is_worse(record_of(name, 0.1, better="higher"), record_of(name, 0.9, better="higher"))


@pytest.mark.parametrize(("value", "count"), [(0.93, 0), (0.8, 1)])
def test_memorisation_stops_a_promotion_only_where_it_warns_of_copies(value, count):
    candidate = record_of("memorisation_10k_train", value, better="higher")

    assert count == len(is_worse(candidate, record_of("memorisation_10k_train", 1.02, better="higher")))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"protocol": "quick"}, "protocol"),
        ({"reference": {"sha256": "2" * 64}}, "real images"),
        ({"judge": {"sha256": "2" * 64}}, "judges"),
    ],
    ids=["protocol", "reference", "judge"],
)
def test_figures_of_other_conditions_are_not_held_against_each_other(changes, word):
    candidate = record_of("fid_10k_test", 9.0, **changes)
    incumbent = record_of("fid_10k_test", 1.0)

    assert word in find_obstacle(candidate, incumbent)
    assert [] == is_worse(candidate, incumbent)


def test_records_of_the_same_conditions_are_comparable():
    assert None is find_obstacle(make_record(), make_record())


def test_only_figures_that_both_have_are_compared():
    first = make_record({name: Metric(value=1.0, better="lower") for name in ("fid_10k_test", "kid_10k_test")})

    rows = compare_records(first, record_of("kid_10k_test", 0.5))

    assert [("kid_10k_test", "second")] == [(row.name, row.winner) for row in rows]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("fid_10k_test", "fid"),
        ("fid_1797_train", "fid"),
        ("label_agreement_worst_2k", "label_agreement_worst"),
        ("cas_25600", "cas"),
        ("fid_per_class_mean_10k_test", "fid_per_class_mean"),
    ],
)
def test_a_family_is_the_name_without_count_and_split(name, family):
    assert family == name_family(name)


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.5812, "2.581"), (0.98765, "0.9877"), (0.00012345, "0.000123"), (12345.6, "12,346"), (0.0, "0.0000")],
)
def test_figures_are_written_to_be_read(value, text):
    assert text == format_figure(value)


def test_a_figure_without_interval_is_its_value():
    assert "1.5" == describe_metric(Metric(value=1.5, better="lower"))


def test_telling_figures_come_first():
    names = ["unknown_10k", "precision_10k_test", "cas_25600", "fid_10k_test"]

    metrics = sort_metrics({name: Metric(value=1.0, better="lower") for name in names})

    assert ["fid_10k_test", "cas_25600", "precision_10k_test", "unknown_10k"] == list(metrics)


def test_records_without_inception_do_not_speak_of_it():
    document = dump_evaluation(make_record())

    assert "inception" not in document
    assert None is read_evaluation(make_draft(evaluation=document)).inception


def test_a_record_names_the_weights_of_inception():
    record = make_record(inception={"sha256": "3" * 64})

    assert record == read_evaluation(make_draft(evaluation=dump_evaluation(record)))


@pytest.mark.parametrize(
    ("weights", "names"), [("3" * 64, ["inception_score_10k"]), ("4" * 64, [])], ids=["other", "same"]
)
def test_figures_through_other_inception_weights_are_not_compared(weights, names):
    metrics = {
        name: Metric(value=1.0, better="lower")
        for name in ("inception_fid_10k_test", "inception_inception_score_10k", "inception_score_10k")
    }
    first = make_record(metrics, inception={"sha256": "4" * 64})

    rows = compare_records(first, make_record(metrics, inception={"sha256": weights}))

    assert (names or list(sort_metrics(metrics))) == [row.name for row in rows]
