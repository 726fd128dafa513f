import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.planning import check_limits, count_samples, find_class, plan_samples
from app.core.errors import InvalidInputError, LimitExceededError, UnknownLabelError
from app.core.settings import LimitSettings
from app.repository.manifest import ImageSpec
from app.schemas.samples import SampleFormat, SampleRequest

NAMES = ["cat", "7", "dog"]
IMAGE = ImageSpec(height=28, width=28, channels=1)


def make_request(**fields):
    return SampleRequest(model="m", **fields)


def make_plan(names=NAMES, **fields):
    request = make_request(**fields)
    return plan_samples(request, names, *count_samples(request, names), lambda count: (99, 1000))


@pytest.mark.parametrize(("label", "number"), [("cat", 0), ("7", 1), ("dog", 2), ("0", 0), ("2", 2), (1, 1)])
def test_a_name_goes_before_a_number(label, number):
    assert number == find_class(label, NAMES)


@pytest.mark.parametrize("label", ["cow", "3", "03", "+1", "-1", " 1", "1_0", "\u0661", "1" * 5000, 3], ids=repr)
def test_no_other_spelling_is_a_class(label):
    with pytest.raises(UnknownLabelError) as caught:
        find_class(label, NAMES)

    assert NAMES == caught.value.fields["class_names"]


def test_at_most_twenty_classes_are_listed():
    with pytest.raises(UnknownLabelError, match="and 80 more") as caught:
        find_class("x", [f"class-{number}" for number in range(100)])

    assert 20 == len(caught.value.fields["class_names"])


def test_an_explicit_seed_starts_at_the_first_index():
    plan = make_plan(num_samples=4, seed=5, first_index=7)

    assert (5, 7, 4) == (plan.seed, plan.first_index, plan.num_samples)


def test_without_a_seed_the_next_samples_are_taken():
    assert (99, 1000) == (make_plan(num_samples=4).seed, make_plan(num_samples=4).first_index)


def test_a_first_index_without_a_seed_draws_one():
    plan = make_plan(num_samples=4, first_index=0)

    assert (True, 0) == (plan.seed != 99, plan.first_index)


@given(st.dictionaries(st.sampled_from(["cat", "7", "2"]), st.integers(0, 50), min_size=1))
def test_counts_are_kept_in_class_order(counts):
    if not sum(counts.values()):
        with pytest.raises(InvalidInputError):
            count_samples(make_request(class_counts=counts), NAMES)
        return

    labels = make_plan(class_counts=counts, seed=1).labels(0, sum(counts.values())).tolist()

    assert sorted(labels) == labels
    assert {name: labels.count(number) for name, number in (("cat", 0), ("7", 1), ("2", 2)) if name in counts} == counts


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 50), min_size=2))
def test_balance_brings_every_class_to_the_largest(have):
    request = make_request(balance={"have": have})
    missing = {name: max(have.values()) - count for name, count in have.items()}

    if not sum(missing.values()):
        with pytest.raises(InvalidInputError):
            count_samples(request, NAMES)
        return
    total, counts = count_samples(request, NAMES)

    assert sum(missing.values()) == total
    assert {NAMES.index(name): count for name, count in missing.items()} == dict(counts)


@pytest.mark.parametrize(
    ("sample_format", "total", "limit"),
    [("json", 6, 5), ("grid", 8, 7), ("zip", 21, 20), ("npy", 21, 20), ("arrow", 21, 20)],
)
def test_each_format_has_its_limit(sample_format, total, limit):
    limits = LimitSettings(samples_per_request=20, samples_per_json=5, samples_per_grid=7)

    check_limits(limit, SampleFormat(sample_format), IMAGE, limits)
    with pytest.raises(LimitExceededError) as caught:
        check_limits(total, SampleFormat(sample_format), IMAGE, limits)

    assert limit == caught.value.fields["limit"]


def test_a_sheet_of_large_images_holds_fewer():
    image = ImageSpec(height=1024, width=1024, channels=3)

    with pytest.raises(LimitExceededError) as caught:
        check_limits(1024, SampleFormat.GRID, image, LimitSettings())

    assert 40 <= caught.value.fields["limit"] <= 64


def test_files_of_one_image_hold_one_sample():
    with pytest.raises(InvalidInputError, match="one sample; those that hold more are `zip`, `tar`"):
        check_limits(2, SampleFormat.PNG, IMAGE, LimitSettings())
