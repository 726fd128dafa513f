import json

import numpy as np
import pytest

from app.imaging.formats.contents import blocks
from app.imaging.mark import Origin, describe_sample
from tests.contents import IMAGES, LABELS, make_contents


def test_samples_are_described_by_index_and_class():
    contents = make_contents()

    first, second = contents.describe(3, 2, LABELS[3:5])

    assert (103, 0, "cat") == (first.index, first.label, first.class_name)
    assert (104, 1, "dog") == (second.index, second.label, second.class_name)
    assert describe_sample(contents.origin, 104, "dog") == contents.mark_sample(second)


@pytest.mark.parametrize("truncation", [1.0, 0.5])
def test_a_mark_written_for_many_is_the_mark_of_one(truncation):
    contents = make_contents(class_names=['"a', "b\\", "Füße"], origin=Origin("m", 1, "00", 7, truncation))

    for sample in contents.describe(0, 3, np.arange(3)):
        facts = json.loads(contents.mark_sample(sample))
        assert {1.0: None, 0.5: 0.5}[truncation] == facts.get("truncation")
        assert (sample.index, sample.class_name) == (facts["index"], facts["class"])
        assert describe_sample(contents.origin, sample.index, sample.class_name) == contents.mark_sample(sample)


def test_a_model_without_classes_has_labels_of_minus_one():
    contents = make_contents(labels=None)

    assert [-1, -1] == contents.numeric_labels(0, 2).tolist()
    assert [(100, None, None)] == [(one.index, one.label, one.class_name) for one in contents.describe(0, 1, None)]


def test_each_image_goes_with_its_description():
    contents = make_contents()
    pairs = list(contents.encode(0, IMAGES, LABELS))

    assert list(range(100, 110)) == [sample.index for sample, _ in pairs]
    assert all(contents.mark_sample(sample).encode() in png for sample, png in pairs)


@pytest.mark.parametrize("name", ["cat", 'a"\\b', "Füße"])
def test_facts_say_all_that_a_sample_is_a_function_of(name):
    contents = make_contents(class_names=[name])
    [sample] = contents.describe(0, 1, LABELS[:1])

    facts = json.loads(f"{{{contents.write_facts(sample)}}}")

    expected = {"index": 100, "class_label": name, "seed": 5, "model": "tiny@2", "digest": "cd" * 32, "truncation": 1.0}
    assert expected == facts


def test_blocks_cover_all_samples_once():
    assert [(0, 4), (4, 4), (8, 2)] == list(blocks(10, 4))
    assert [] == list(blocks(0, 4))
