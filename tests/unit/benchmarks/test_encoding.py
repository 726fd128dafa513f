import io

import numpy as np
from encoding import Content, draw_photographs, measure, render, save
from page import PAGE
from PIL import Image

ENCODERS = ["pillow", "pillow-1", "pillow-marked", "fount", "fount-many", "fount-marked"]


def make_row(content: str, pillow_us: float, fount_bytes: float, many_us: float = 10.0) -> dict:
    times = {key: [10.0, 10.0, 10.0] for key in ENCODERS}
    times |= {"pillow": [pillow_us, 1.0, 900.0], "fount-many": [many_us] * 3}
    return {"content": content, "images": 1, "us": times, "bytes": {"pillow": 100.0, "fount": fount_bytes}}


def render_rows(*rows: dict) -> list[str]:
    document = {"date": "2026-01-01", "machine": "a machine", "pillow": "13", "compressor": "libdeflate", "rows": rows}
    return [line for line in render(document).splitlines() if line.startswith(("| digits", "| other"))]


def test_photographs_are_the_same_every_time():
    first, second = (list(draw_photographs(32, 4)) for _ in range(2))

    assert (4, 32, 32, 3) == np.shape(first)
    np.testing.assert_array_equal(first, second)
    assert 4 == len({image.tobytes() for image in first})


def test_every_encoder_is_timed_in_every_round():
    row = measure(Content("tiny", np.zeros((2, 4, 4, 1), np.uint8)), rounds=3)

    assert dict.fromkeys(ENCODERS, 3) == {name: len(times) for name, times in row["us"].items()}
    assert row["bytes"]["fount"] < row["bytes"]["fount-marked"]


def test_pillow_writes_the_same_marks():
    image = Image.open(io.BytesIO(save(np.zeros((4, 4, 3), np.uint8), marked=True)))

    assert {"xmp", "fount"} <= set(image.info)


def test_a_row_holds_the_median_of_ratios_and_its_bar():
    [line] = render_rows(make_row("digits 28", 45.0, 112.0))

    assert "| digits 28 | 45 | 10 | 10 | 4.5 | 4.5 | 1.0 | 1.0 | 112 % | met: ≥ 4, ≤ 113 % |" == line


def test_a_bar_that_one_form_meets_names_it():
    [line] = render_rows(make_row("digits 28", 30.0, 100.0, many_us=5.0))

    assert "met by many" in line


def test_a_bar_is_missed_by_speed_or_by_bytes():
    slow, large, other = render_rows(
        make_row("digits 28", 30.0, 100.0), make_row("digits 28", 45.0, 120.0), make_row("other 64", 30.0, 100.0)
    )

    assert "missed" in slow
    assert "missed" in large
    assert other.endswith("| - |")


def test_the_page_has_a_place_for_the_section():
    text = PAGE.read_text("utf-8")

    assert 1 == text.count("<!-- encoding: begin -->") == text.count("<!-- encoding: end -->")
