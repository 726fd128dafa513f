import base64
import json

from tests.contents import IMAGES, LABELS, make_contents, write_file


def test_each_line_is_a_sample():
    lines = [json.loads(line) for line in write_file("jsonl").splitlines()]

    pngs = [png for _, png in make_contents().encode(0, IMAGES, LABELS)]
    assert list(range(100, 110)) == [line["index"] for line in lines]
    assert ["cat", "dog", "../up:er"] == [line["class_label"] for line in lines[:3]]
    assert pngs == [base64.b64decode(line["png"]) for line in lines]


def test_lines_of_a_model_without_classes_have_none():
    assert json.loads(write_file("jsonl", labels=None).splitlines()[0])["class_label"] is None


def test_class_names_are_escaped():
    lines = write_file("jsonl", class_names=['"\n', "Füße", "c"]).decode().splitlines()

    assert ['"\n', "Füße", "c"] == [json.loads(line)["class_label"] for line in lines[:3]]
    assert "Füße" in lines[1]
