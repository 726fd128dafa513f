import pytest

from app.cli.diagnosis.compute import advise_precision, check_digits, check_serving, check_torch


@pytest.mark.parametrize(
    ("precision", "ratio", "advised"),
    [
        ("float32", 0.5, None),
        ("float32", 1.1, None),
        ("float32", 2.0, "PRECISION=bfloat16"),
        ("bfloat16", 0.5, "PRECISION=float32"),
        ("bfloat16", 2.0, None),
    ],
)
def test_the_faster_precision_is_advised_where_it_is_worth_other_pixels(precision, ratio, advised):
    advice = advise_precision(precision, ratio)

    assert advised in advice if advised else advice == ""


def test_torch_says_what_it_computes_on(make_case):
    assert [True, True] == [finding.is_well for finding in check_torch(make_case())]


def test_what_bfloat16_would_bring_is_measured(make_case):
    [serving] = check_serving(make_case(worker={"device": "cpu", "threads": 1}))

    assert serving.detail.startswith("computes in float32 on ")
    assert serving.detail.endswith(" times as fast as float32 here")


def test_a_device_that_is_not_there_is_told(make_case, monkeypatch):
    def refuse(*_):
        raise RuntimeError("no such device\nat line 1")

    monkeypatch.setattr("app.worker.device.open_device", refuse)

    [serving] = check_serving(make_case(worker={"device": "cuda"}))

    assert (False, "the device `cuda` cannot be used: no such device") == (serving.is_well, serving.detail)
    assert "DEVICE=cpu" in serving.advice


@pytest.mark.parametrize("is_installed", [True, False])
def test_missing_digits_are_no_fault(make_case, monkeypatch, is_installed):
    if not is_installed:
        monkeypatch.setitem(__import__("sys").modules, "sklearn", None)

    [finding] = check_digits(make_case())

    assert (True, is_installed) == (finding.is_well, finding.advice == "")
