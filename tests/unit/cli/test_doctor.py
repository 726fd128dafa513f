import json

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.cli.doctor import advise_precision


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


def test_the_doctor_says_what_bfloat16_would_bring(tmp_path, monkeypatch):
    monkeypatch.setenv("FOUNT_REPOSITORY__URL", str(tmp_path))

    result = CliRunner().invoke(app, ["doctor", "--json"])

    [serving] = [one for one in json.loads(result.stdout)["findings"] if one["name"] == "serving"]
    assert serving["detail"].startswith("computes in float32 on ")
    assert serving["detail"].endswith(" times as fast as float32 here")
