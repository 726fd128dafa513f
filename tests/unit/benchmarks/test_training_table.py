import datetime as dt

import pytest
from machine import Machine
from training_results import Effort, Peer, Result, read_result, write_result
from training_rows import Row
from training_table import COLUMNS, Entry, judge_bars, render_section

from app.repository.evaluation import EvaluationRecord, JudgeInfo, Metric, ReferenceInfo

JUDGE = JudgeInfo(description="a judge", accuracy=0.994, sha256="a" * 64)
PEER = Peer(
    name="gan-600s",
    options={"model": "gan", "budget_s": 600},
    training={"images_per_cpu_s": 7.2},
    versions={"torch": "2", "pythae": "0.1.2"},
    judge=JUDGE,
    figures={"fid_10k_test": 30.0},
)


def make_row(**values):
    facts = {"id": "a-10", "title": "title", "table": "mnist", "recipe": "mnist", "core_minutes": 10, "about": "why"}
    return Row(**facts | {"seeds": (0, 1, 2)} | values)


def make_result(fid, cas=0.97, judge=JUDGE):
    metrics = {
        "fid_10k_test": Metric(value=fid, interval=(fid - 0.1, fid + 0.1), floor=0.9, better="lower"),
        "cas_25600": Metric(value=cas, floor=0.987, better="higher"),
    }
    record = EvaluationRecord(
        protocol="full",
        num_samples=10_000,
        seed=0,
        reference=ReferenceInfo(name="mnist", split="test", sha256="b" * 64, num_images=10_000),
        judge=judge,
        metrics=metrics,
        wall_seconds=100.0,
    )
    return Result(
        row="a-10",
        seed=0,
        command="python -m app train",
        environment={},
        date=dt.date(2026, 1, 2),
        git_commit="0123456789abcdef-dirty",
        machine=Machine(cpu="a processor", cores=2, flags=["avx2"]),
        effort=Effort(
            core_minutes=10, steps=9, images_seen=300_000, cpu_s=600, wall_s=700, threads=1, precision="float32"
        ),
        recipe={},
        versions={},
        num_parameters=1,
        digest="c" * 64,
        evaluation=record,
    )


def find_line(section, start):
    return next(line for line in section.splitlines() if line.startswith(start))


def test_a_result_comes_back_from_its_file(tmp_path):
    result = make_result(2.0)

    write_result(tmp_path / "training" / "a.json", result)

    assert result == read_result(tmp_path / "training" / "a.json")
    assert read_result(tmp_path / "training" / "b.json") is None


def test_a_row_shows_median_range_speed_and_verdict(tmp_path):
    row = make_row(at_most={"fid_10k_test": 2.5}, at_least={"cas_25600": 0.98, "images_per_cpu_s": 500})
    entry = Entry(row, [make_result(2.4), make_result(3.0), make_result(2.0)])

    section = render_section([entry], [], tmp_path)

    line = (
        "| `a-10` title | 10 | 3 | 2.40 (2.00 to 3.00) | - | 97.0 (97.0 to 97.0) | - | - | - | - | - "
        "| 500 (500 to 500) | met: FID ≤ 2.5, images/s per core ≥ 500; **missed**: CAS ≥ 98 |"
    )
    assert line == find_line(section, "| `a-10` title")


def test_real_images_come_first_with_their_floors(tmp_path):
    section = render_section([Entry(make_row(), [make_result(2.0)])], [], tmp_path)

    assert find_line(section, "| *real images*").startswith("| *real images* | - | - | 0.90 | - | 98.7 | - |")
    assert "Judge `aaaaaaaaaaaa`: a judge, right about 99.40 % of real images." in section


def test_an_unfinished_row_says_how_many_seeds_it_has(tmp_path):
    section = render_section([Entry(make_row(), [make_result(2.0)])], [], tmp_path)

    assert find_line(section, "| `a-10` title").startswith("| `a-10` title | 10 | 1 of 3 | 2.00 |")


def test_bars_of_what_was_not_measured_stay_open():
    entry = Entry(make_row(at_most={"fid_10k_test": 2.5}, at_least={"modes_25600": 1000}), [])

    assert "open: FID ≤ 2.5, `modes_25600` ≥ 1000" == judge_bars(entry, COLUMNS["mnist"])


def test_peers_stand_in_the_same_table(tmp_path):
    section = render_section([Entry(make_row(), [make_result(2.0)])], [PEER], tmp_path)

    line = "| *pythae 0.1.2 `gan`* | 10 | 1 | 30.00 | - | - | - | - | - | - | - | 7 | - |"
    assert line == find_line(section, "| *pythae")


def test_two_judges_are_pointed_out(tmp_path):
    other = JudgeInfo(description="another", accuracy=0.9, sha256="d" * 64)
    results = [make_result(2.0), make_result(2.0, judge=other)]

    section = render_section([Entry(make_row(), results)], [], tmp_path)

    assert "different judges" in section


@pytest.mark.parametrize("exists", [False, True])
def test_grids_are_shown_where_there_are_any(tmp_path, exists):
    if exists:
        (tmp_path / "a-10.png").write_bytes(b"")

    section = render_section([Entry(make_row(), [])], [], tmp_path)

    assert exists is ("![title](images/training/a-10.png)<br>`a-10`" in section)


def test_where_a_row_comes_from_is_told(tmp_path):
    entry = Entry(make_row(overrides=("steps=2",)), [make_result(2.0)])

    section = render_section([entry], [], tmp_path)

    line = (
        "| `a-10` | why | `mnist` `--set steps=2` | 2026-01-02 | `0123456789-dirty` | float32 | 10.0 | "
        "2 cores a processor (avx2) |"
    )
    assert line == find_line(section, "| `a-10` | why")


def test_what_has_an_encoder_is_compared_by_its_reconstructions(tmp_path):
    result = make_result(2.0)
    metrics = {"reconstruction_mse_10k_test": Metric(value=0.0051, floor=0.0, better="lower")}
    evaluation = result.evaluation.model_copy(update={"metrics": metrics})
    result = result.model_copy(update={"evaluation": evaluation, "recipe": {"model": {"latent_dim": 24}}})
    training = {"reconstruction_mse_10k_test": 0.0123}
    peer = PEER.model_copy(update={"training": training, "options": PEER.options | {"latent_dim": 32}})

    section = render_section([Entry(make_row(), [result]), Entry(make_row(id="b-10"), [])], [peer], tmp_path)

    assert "| `a-10` title | 10 | 24 | 5.10 |" in section
    assert "| *pythae 0.1.2 `gan`* | 10 | 32 | 12.30 |" in section
    assert 1 == section.count("`b-10` title | 10 |")
