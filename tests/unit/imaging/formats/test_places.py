import json

import numpy as np

from app.imaging.formats.places import Consecutive, Repeated, Scattered
from app.imaging.mark import DIGITAL_SOURCE_TYPE, Origin
from tests.contents import ORIGIN, make_contents

OTHER = Origin("other", 1, "ef" * 32, 9, 0.5)
SCATTERED = Scattered(
    origins=[ORIGIN, OTHER],
    numbers=np.array([7, 3, 11]),
    rows=np.array([70, 2**63 - 1, 70]),
    sources=np.array([0, 1, 1]),
    last_number=12,
    facts={"dataset": "d1x", "shard": 2},
)


def test_consecutive_samples_are_called_by_their_index():
    places = Consecutive(ORIGIN, 5, 10)

    assert [(7, 7, 0), (8, 8, 0)] == list(places.locate(2, 2))
    assert ([7, 8], 14) == (places.indices(2, 2).tolist(), places.last_number)


def test_scattered_samples_have_numbers_of_their_own():
    assert [(3, 2**63 - 1, 1), (11, 70, 1)] == list(SCATTERED.locate(1, 2))
    assert [2**63 - 1, 70] == SCATTERED.indices(1, 2).tolist()
    expected = {"dataset": "d1x", "shard": 2, "num_samples": 3, "digital_source_type": DIGITAL_SOURCE_TYPE}
    assert expected == json.loads(SCATTERED.mark)


def test_each_scattered_sample_says_its_own_origin():
    labels = np.array([0, -1, 1])
    contents = make_contents(np.zeros((3, 6, 4, 1), np.uint8), labels, places=SCATTERED)

    samples = list(contents.describe(0, 3, labels))

    assert [(7, "cat"), (3, None), (11, "dog")] == [(one.number, one.class_name) for one in samples]
    assert ["tiny", "other", "other"] == [json.loads(contents.mark_sample(one))["model"] for one in samples]
    facts = [json.loads(f"{{{contents.write_facts(one)}}}") for one in samples]
    assert [(5, 1.0), (9, 0.5), (9, 0.5)] == [(one["seed"], one["truncation"]) for one in facts]
    assert [5, 9, 9] == contents.seeds(0, 3).tolist()


def test_repeated_samples_are_numbered_through_and_counted_per_origin():
    places = Repeated([ORIGIN, OTHER], copies=3, first_index=5, first_number=30, common=ORIGIN)

    assert [(32, 7, 0), (33, 5, 1), (34, 6, 1)] == list(places.locate(2, 3))
    assert ([7, 5, 6], 35) == (places.indices(2, 3).tolist(), places.last_number)
    facts = json.loads(places.mark)
    assert (ORIGIN.seed, 5, 6) == (facts["seed"], facts["first_index"], facts["num_samples"])
