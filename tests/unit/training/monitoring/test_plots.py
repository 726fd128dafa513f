import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from app.core.errors import RecipeError
from app.training.monitoring.plots import Arm, can_plot, plot_arms, plot_curves, read_entries

BLUE, RED = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
ARMS = [Arm("real", 92.4, 92.1, 93.1), Arm("real + generated", 91.5, 91.4, 91.5)]


def make_entries(*, lines=60, **figures):
    """Make log lines, one every 25 steps."""
    return [
        {"step": 25 * (line + 1), "images_per_second": 300.0} | {name: value(line) for name, value in figures.items()}
        for line in range(lines)
    ]


def make_log(*, lines=60):
    return make_entries(
        lines=lines, discriminator_loss=lambda line: 0.5 + 0.01 * (line % 3), generator_loss=lambda _: 1.0
    )


def open_picture(png):
    return Image.open(io.BytesIO(png)).convert("RGB")


def draw(entries):
    return open_picture(plot_curves(entries, images_per_step=128, title="a run"))


def count_pixels(picture, color):
    return int((np.asarray(picture) == color).all(axis=2).sum())


def test_a_log_becomes_a_picture_of_known_width_on_white():
    picture = draw(make_log())

    assert 800 == picture.width
    assert count_pixels(picture, (255, 255, 255)) > 0.8 * picture.width * picture.height


def test_every_figure_of_a_panel_gets_a_colour():
    picture = draw(make_log())

    assert count_pixels(picture, BLUE) > 500
    assert count_pixels(picture, RED) > 500


def test_the_same_log_gives_the_same_bytes():
    assert plot_curves(make_log(), images_per_step=128, title="a run") == plot_curves(
        make_log(), images_per_step=128, title="a run"
    )


@pytest.mark.parametrize(
    "figures",
    [
        {"r1": lambda line: 10.0 ** (-line / 10), "r2": lambda line: 0.1},
        {"gamma": lambda line: 2.0},
        {"augmentation_probability": lambda line: line / 100},
        {"loss": lambda line: 100.0 / (line + 1), "reconstruction": lambda line: 80.0, "kl": lambda line: 0.0},
        {"evaluation": lambda line: {"fid_2k_test": {"value": 9.0, "better": "lower"}, "coverage_2k_test": 0.6}},
    ],
    ids="-".join,
)
def test_other_figures_get_panels_of_their_own(figures):
    panels = {"evaluation": 2, "loss": 2}.get(next(iter(figures)), 1)

    assert 190 * panels + 90 == draw(make_entries(**figures)).height


def test_what_is_no_figure_of_quality_is_left_out():
    entries = [{"note": "began"}, *make_log(), {"step": 5, "findings": ["x"], "generator_loss": float("nan")}]

    assert np.array_equal(np.asarray(draw(make_log())), np.asarray(draw(entries)))


def test_a_step_that_was_logged_again_after_a_crash_counts_once():
    again = make_log()[30:]

    assert np.array_equal(np.asarray(draw(make_log())), np.asarray(draw([*make_log(), *again])))


def test_a_single_line_is_enough():
    assert draw(make_log(lines=1)).width == 800


def test_a_log_without_figures_is_refused():
    with pytest.raises(RecipeError, match="nothing to draw"):
        draw([{"step": 25, "images_per_second": 300.0}])


def test_a_line_that_a_crash_cut_short_is_not_read(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(entry) + "\n" for entry in make_log(lines=3)) + '{"step": 100, "gen')

    assert make_log(lines=3) == read_entries(log)


@pytest.mark.parametrize("baseline", [None, "real"])
def test_arms_become_a_picture_with_a_row_each(baseline):
    picture = open_picture(plot_arms(ARMS, "Does it help?", "accuracy, %", baseline=baseline))

    assert (800, 34 * 2 + 120) == picture.size
    assert count_pixels(picture, BLUE) > 20


def test_arms_without_any_spread_can_be_drawn():
    assert plot_arms([Arm("one", 3.0, 3.0, 3.0)], "One", "points").startswith(b"\x89PNG")


def test_without_matplotlib_the_way_to_it_is_told(monkeypatch):
    assert can_plot()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(RecipeError, match=r"pip install 'fount\[train\]'"):
        plot_arms(ARMS, "Does it help?", "accuracy, %")
