from pathlib import Path

import pytest
import typer

from app.cli.sample import _choose_format, _read_augment


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


def test_a_policy_is_a_preset_or_a_file(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text('{"ops": [{"op": "flip"}]}')

    given = [_read_augment(one) for one in (None, "digits-safe", str(file))]

    assert [None, {"preset": "digits-safe"}, {"ops": [{"op": "flip"}]}] == given


@pytest.mark.parametrize("text", [None, "{"])
def test_a_policy_that_cannot_be_read_is_refused(tmp_path, text):
    file = tmp_path / "policy.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(typer.BadParameter, match="not JSON"):
        _read_augment(str(file))
