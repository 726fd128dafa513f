import time

from prometheus_client.parser import text_string_to_metric_families

from app.api.metrics import Metrics
from app.api.monitoring.answered import BROKEN_OFF, Answered


def read(metrics):
    families = text_string_to_metric_families(metrics.render().decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def answer(metrics, caller="anybody", **facts):
    metrics.count_request(Answered("GET", "/v1/models", **{"status": 200, "seconds": 0.2, "caller": caller} | facts))


def test_requests_are_counted_by_kind_of_key():
    metrics = Metrics()

    for caller in ("anybody", "environment", "one", "another"):
        answer(metrics, caller, num_bytes=10)
    figures = read(metrics)

    assert [1, 1, 2] == [
        figures["fount_http_requests_total", "GET", "/v1/models", "200", caller]
        for caller in ("anybody", "environment", "file")
    ]
    assert 40 == figures["fount_http_sent_bytes_total", "/v1/models"]
    assert (0, 4) == (
        figures["fount_http_request_seconds_bucket", "/v1/models", "0.1"],
        figures["fount_http_request_seconds_count", "/v1/models"],
    )


def test_many_keys_make_no_more_series():
    metrics = Metrics()
    answer(metrics, "key-0")
    metrics.count_samples("tiny", 1, 1, "key-0")
    before = len(read(metrics))

    for number in range(100):
        answer(metrics, f"key-{number}")
        metrics.count_samples("tiny", 1, 1, f"key-{number}")

    assert before == len(read(metrics))


def test_problems_are_counted_by_code_and_the_foreseen_are_told_before_the_first():
    metrics = Metrics()
    answer(metrics, status=404, problem="model-not-found")
    answer(metrics, problem=BROKEN_OFF)

    figures = read(metrics)

    assert (1, 1, 0) == tuple(
        figures["fount_problems_total", code] for code in ("model-not-found", "answer-broken-off", "queue-full")
    )


def test_connections_are_asked_for_where_there_is_a_server():
    metrics = Metrics()
    assert ("fount_open_connections",) not in read(metrics)

    metrics.watch_connections(lambda: 7)

    assert 7 == read(metrics)["fount_open_connections",]


def test_samples_and_augmented_images_are_counted():
    metrics = Metrics()

    metrics.count_samples("tiny", 2, 5, "anybody")
    metrics.count_samples("tiny", 2, 6, "anybody")
    metrics.count_augmented(3, "one")

    figures = read(metrics)
    assert 11 == figures["fount_samples_sent_total", "tiny", "2", "anybody"]
    assert 3 == figures["fount_augmented_images_sent_total", "file"]


def test_many_series_are_written_within_a_moment():
    metrics = Metrics()
    for number in range(40):
        for status in (200, 404, 422, 503):
            metrics.count_request(Answered("GET", f"/route-{number}", status, 0.1, "anybody"))
    seconds = []
    for _ in range(5):
        began = time.process_time()
        metrics.render()
        seconds.append(time.process_time() - began)

    assert min(seconds) < 0.05
