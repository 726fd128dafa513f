import pytest
from reliability.disk import break_disks
from reliability.flips import flip_bits


def test_a_flipped_bit_is_found_in_every_file_and_never_served(make_setting, find_missed):
    findings = flip_bits(make_setting(200))

    assert [] == find_missed(findings)
    assert {"README.md", "manifest.json", "weights.safetensors"} == set(findings.figures["flips_by_file"])


@pytest.mark.parametrize("fault", ["full", "limited", "read-only", "full-log", "fsync"])
def test_a_disk_that_fails_breaks_nothing_that_is_served_or_published(make_setting, find_missed, fault):
    findings = break_disks(make_setting(1), [fault])

    if left_out := findings.figures.get("left out"):
        pytest.skip(f"this fault cannot be made here: {left_out[fault]}")
    assert [] == find_missed(findings)
    assert len(findings.bars) > 2
