import os

import pytest

from app.serving.cores import count_cores


@pytest.mark.parametrize("text", ["max 100000", "", "nonsense", "100000 0"])
def test_without_a_quota_the_schedulers_mask_counts(tmp_path, text):
    quota = tmp_path / "cpu.max"
    quota.write_text(text)

    assert len(os.sched_getaffinity(0)) == count_cores(quota)


@pytest.mark.parametrize("text", ["100000 100000", "50000 100000", "1 100000"])
def test_a_quota_of_one_core_or_less_is_one_core(tmp_path, text):
    quota = tmp_path / "cpu.max"
    quota.write_text(text)

    assert 1 == count_cores(quota)


def test_a_missing_quota_file_is_no_quota(tmp_path):
    assert len(os.sched_getaffinity(0)) == count_cores(tmp_path / "none")
