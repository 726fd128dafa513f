import pytest
from pydantic import ValidationError
from training_rows import Bar, load_rows

from app.training.build import check_pairing
from app.training.config import load_config

ROW = """
[[row]]
id = "a-1"
title = "a"
table = "mnist"
recipe = "mnist"
overrides = ["steps=2"]
core_minutes = 1.5
reserve_s = 30
seeds = [0, 4]
at_most = { fid_10k_test = 2.0 }
at_least = { cas_25600 = 0.97 }
about = "b"
"""


def write_rows(folder, text):
    path = folder / "rows.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("row", load_rows().values(), ids=load_rows())
def test_each_row_is_a_run_that_the_trainer_accepts(row):
    config = load_config(row.recipe, row.settings(3))

    check_pairing(config)

    assert (1, "cpu", 3) == (config.runtime.threads, config.schedule.clock, config.seed)


def test_limits_become_bars(tmp_path):
    row = load_rows(write_rows(tmp_path, ROW))["a-1"]

    assert [Bar("fid_10k_test", 2.0, is_ceiling=True), Bar("cas_25600", 0.97, is_ceiling=False)] == row.bars


@pytest.mark.parametrize(("is_ceiling", "met"), [(True, [True, True, False]), (False, [False, True, True])])
def test_a_bar_is_met_on_its_side_and_at_the_limit(is_ceiling, met):
    bar = Bar("fid_10k_test", 2.0, is_ceiling=is_ceiling)

    assert met == [bar.is_met(value) for value in (1.9, 2.0, 2.1)]


def test_a_command_has_the_budget_less_what_is_reserved_and_the_values_of_the_row_first(tmp_path):
    row = load_rows(write_rows(tmp_path, ROW))["a-1"]

    command = row.build_command(4, data="images", out="kept")

    text = (
        "-m app train mnist --data images --name a-1-s4 --time-budget 60s --set steps=2 --set clock=cpu "
        "--set threads=1 --set seed=4 --publish --evaluate full --repository kept/models --runs kept/runs --json"
    )
    assert text == " ".join(command)


def test_two_rows_of_one_name_are_refused(tmp_path):
    path = write_rows(tmp_path, ROW + ROW)

    with pytest.raises(ValueError, match="same id"):
        load_rows(path)


def test_an_unknown_key_is_refused(tmp_path):
    path = write_rows(tmp_path, ROW.replace("about", "purpose"))

    with pytest.raises(ValidationError, match="purpose"):
        load_rows(path)
