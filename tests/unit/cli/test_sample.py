from pathlib import Path

import pytest

from app.cli.sample import _choose_format


@pytest.mark.parametrize(
    ("output", "num_samples", "expected"),
    [
        ("one.png", 1, "png"),
        ("one.JPG", 1, "jpeg"),
        ("many.png", 2, "grid"),
        ("many.tar", 2, "tar"),
        ("many.npz", 2, "npz"),
        ("many.safetensors", 2, "safetensors"),
        ("many.arrow", 2, "arrow"),
        ("many.parquet", 2, "parquet"),
        ("many.jsonl", 2, "jsonl"),
        ("folder", 2, "zip"),
        ("folder.grid", 2, "zip"),
    ],
)
def test_the_name_of_the_file_chooses_the_format(output, num_samples, expected):
    assert expected == _choose_format(Path(output), num_samples)
