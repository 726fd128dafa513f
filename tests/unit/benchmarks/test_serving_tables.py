import datetime as dt

import pytest
from machine import Machine
from serving.loads import COMMON, OWN, list_own
from serving.results import (
    Bulk,
    Document,
    Limits,
    Measured,
    Start,
    limit_of_round,
    read_bulk,
    read_document,
    write_document,
)
from serving.servers import FOUNT, Fount, Model, find_peers, list_peer_targets
from serving.tables import render

from app.repository.manifest import ImageSpec

ALONE, SIXTEEN, STREAM, MIXED = (scenario.title for scenario in COMMON)
IMAGE = ImageSpec(height=28, width=28, channels=1)
MODEL = Model("models", "tiny", IMAGE)


def make_measured(server, rate, *, load=ALONE, number=1, setup="", group="n=1", p99=20.0, **changes):
    facts = {"p50_ms": 5.0, "first_byte_ms": 4.0, "answers": 90, "cpu_s_per_1000": 0.25}
    facts |= {"client_cores": 0.1, "foreign_cores": 0.0}
    return Measured(
        round=number,
        server=server,
        setup=setup,
        load=load,
        group=group,
        samples_per_second=rate,
        p99_ms=p99,
        **facts | changes,
    )


def make_document(measured, *, rounds=1):
    limits = [
        Limits(round=number, threads=2, samples_per_second={"eager": {"1": 500, "256": 3000 + rate}})
        for number in range(1, rounds + 1)
        for rate in (500.0, 1500.0)
    ]
    start = Start(round=1, server=FOUNT, setup="", start_s=1.5, idle_cores=0.0, memory_mib=310.0, processes=2)
    return Document(
        date=dt.date(2026, 1, 2),
        commit="0123456789",
        machine=Machine(cpu="a processor", cores=2, flags=[]),
        command="python benchmarks/serving",
        model="`dcgan`",
        settings={"FOUNT_LOG__LEVEL": "warning"},
        peers={"LitServe": "0.2"},
        missing=["BentoML is not installed"],
        seconds=3.0,
        rounds=rounds,
        limits=limits,
        starts=[start],
        measured=measured,
    )


def find_lines(section, start):
    return [line for line in section.splitlines() if line.startswith(start)]


def test_the_limit_of_a_round_is_the_best_mean_of_its_loops():
    assert 4000.0 == limit_of_round(make_document([]).limits, 1)


def test_shares_are_taken_within_rounds():
    found = [make_measured(FOUNT, 2000.0), make_measured(FOUNT, 4000.0, number=2)]

    section = render(make_document(found, rounds=2))

    line = f"| {ALONE} | 3,000 | 0.75 | 5.0 | 20.0 | 4.0 | 0.25 | 0 |"
    assert [line] == find_lines(section, f"| {ALONE}")
    assert "`FOUNT_LOG__LEVEL=warning`" in section
    assert "figures are disturbed" not in section


def test_a_peer_counts_with_its_best_threads_and_says_how_many_times_slower_it_is():
    found = [
        make_measured(FOUNT, 2000.0),
        make_measured("LitServe", 400.0, setup="eager, 1 thread"),
        make_measured("LitServe", 500.0, setup="eager, 2 threads", failures={"status 503": 10}),
        make_measured("LitServe", 800.0, setup="folded, 1 thread"),
    ]

    section = render(make_document(found))

    eager, tuned = find_lines(section, "| LitServe")[:2]
    assert eager.startswith("| LitServe | 500 | 0.12 | 4.0 | - |")
    assert eager.endswith("| 10 of 100 |")
    assert tuned.startswith("| LitServe | 800 | 0.20 | 2.5 | - |")
    assert "LitServe 0.2" in section
    assert "Not measured: BentoML is not installed." in section


def test_short_answers_beside_a_long_one_are_compared_with_short_ones_alone():
    found = [
        make_measured(FOUNT, 2000.0),
        make_measured(FOUNT, 900.0, load=MIXED, p99=30.0),
        make_measured(FOUNT, 1100.0, load=MIXED, group="n=4096", first_byte_ms=28.0),
    ]

    section = render(make_document(found))

    assert ["| Fount | 20.0 | 30.0 | 1.5 | 900 | 1,100 | 28 | 0 |"] == find_lines(section, "| Fount | 20.0")
    assert ["| Fount | 2 | 310 | 0.00 | 1.5 |"] == find_lines(section, "| Fount | 2 ")


def test_neighbours_on_the_machine_are_told():
    section = render(make_document([make_measured(FOUNT, 2000.0, foreign_cores=0.5)]))

    assert "Other processes used up to 0.50 cores meanwhile: figures are disturbed." in section


def test_very_long_answers_have_a_table_of_their_own(tmp_path):
    figures = {"first_batch_s": 0.25, "seconds": 100.0, "api_before_mib": 90.0, "api_growth_mib": 12.4}
    figures |= {"small_p99_ms": 12.0, "small_p99_ms_beside": 20.0, "small_failed": 0}
    figures |= {"fast_per_s": 4000.0, "fast_per_s_beside_slow": 3900.0, "fast_failed": 1}
    document = make_document([make_measured(FOUNT, 2000.0)])
    about = document.model_dump(include={"date", "commit", "machine", "model", "settings"})
    bulk = Bulk(num_samples=1_000_000, **about, **figures)

    write_document(bulk, tmp_path / "bulk.json")
    section = render(document, read_bulk(tmp_path / "bulk.json"))

    assert "| first batch of the stream, s | 0.25 |" in section
    assert "| samples/s of the stream | 10,000 |" in section
    assert "| failed | 1 |" in section
    assert "Very long answers" not in render(document, read_bulk(tmp_path / "none.json"))


def test_a_result_comes_back_from_its_file(tmp_path):
    document = make_document([make_measured(FOUNT, 2000.0)])

    write_document(document, tmp_path / "serving.json")

    assert document == read_document(tmp_path / "serving.json")


def test_fount_is_asked_with_a_key_that_its_file_knows(tmp_path):
    fount = Fount(MODEL, tmp_path, {"FOUNT_LOG__LEVEL": "warning"})

    target = fount.target()

    assert {"FOUNT_KEYS_FILE", "FOUNT_LOG__LEVEL"} == set(target.environment)
    assert b"Authorization: Bearer fount_" in target.ask(1).render()
    assert (tmp_path / "keys.json").exists()
    assert [title for title, _ in OWN] == [scenario.title for scenario in list_own(fount)]
    assert [(8, 256, 1)] == [(one.clients, one.samples, one.min_bytes) for one in list_own(fount)[-1].groups(target)]


@pytest.mark.parametrize("scenario", COMMON, ids=[scenario.title for scenario in COMMON])
def test_every_peer_can_be_asked_for_every_common_load(scenario):
    places = dict.fromkeys(["FastAPI, plain", "LitServe", "BentoML", "Ray Serve", "PyTriton"], ("python", "1"))

    targets = list_peer_targets(MODEL, places, ["eager"], 2)

    assert 7 == len(targets)
    for target in targets:
        groups = scenario.groups(target)
        assert all(group.request.render().startswith(b"POST /") for group in groups)
        assert all(group.samples * 784 <= group.min_bytes for group in groups)


def test_peers_that_are_nowhere_are_not_found():
    assert {} == find_peers([])
