import torch

from app.worker import trial


def test_the_ratio_of_both_precisions_is_the_median_of_rounds(monkeypatch):
    times = iter([100.0, 100.0] + [2.0, 1.0] * 2 + [9.0, 1.0] + [3.0, 2.0] * 2)
    monkeypatch.setattr(trial, "_time", lambda *_: next(times))

    assert 2.0 == trial.time_bfloat16(torch.device("cpu"))


def test_both_precisions_are_computed_here():
    assert 0 < trial.time_bfloat16(torch.device("cpu")) < 1000
