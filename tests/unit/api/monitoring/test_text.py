from prometheus_client.parser import text_string_to_metric_families

from app.api.monitoring.tallies import Tally
from app.api.monitoring.text import write_histogram, write_values


def parse(text):
    return list(text_string_to_metric_families(text))


def test_values_are_read_back_as_they_were_whatever_a_label_holds():
    odd = 'a"b\\c\nd'

    [family] = parse(write_values("things_total", "counter", "Things.", ["kind"], [([odd], 3), (["x"], 0.5)]))

    assert ("things", "counter", "Things.") == (family.name, family.type, family.documentation)
    assert {odd: 3, "x": 0.5} == {sample.labels["kind"]: sample.value for sample in family.samples}


def test_values_without_labels_are_one_series():
    [family] = parse(write_values("size", "gauge", "How large.", [], [((), 7)]))

    assert [({}, 7)] == [(sample.labels, sample.value) for sample in family.samples]


def test_a_histogram_is_read_back_with_and_without_a_label():
    tally = Tally((1, 2))
    for value in (0.5, 1.5, 9):
        tally.observe(value)

    [labelled] = parse(write_histogram("wait_seconds", "Waits.", "route", {"/a": tally}))
    [plain] = parse(write_histogram("wait_seconds", "Waits.", "", {"": tally}))

    for family, labels in ((labelled, {"route": "/a"}), (plain, {})):
        assert "histogram" == family.type
        assert [
            ("wait_seconds_bucket", labels | {"le": "1.0"}, 1),
            ("wait_seconds_bucket", labels | {"le": "2.0"}, 2),
            ("wait_seconds_bucket", labels | {"le": "+Inf"}, 3),
            ("wait_seconds_count", labels, 3),
            ("wait_seconds_sum", labels, 11),
        ] == [(sample.name, sample.labels, sample.value) for sample in family.samples]
