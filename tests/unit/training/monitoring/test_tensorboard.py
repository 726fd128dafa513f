import sys
from contextlib import closing

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import IMAGES, SCALARS, EventAccumulator

from app.core.errors import RecipeError
from app.training.monitoring.tensorboard import TensorBoardWriter


def read(folder):
    events = EventAccumulator(str(folder), {SCALARS: 0, IMAGES: 0})
    events.Reload()
    return events


def test_figures_become_curves(tmp_path):
    with closing(TensorBoardWriter(tmp_path / "board")) as writer:
        for step in (25, 50):
            writer.add_figures(step, {"discriminator_loss": step / 100, "r1": 0.5})
        writer.add_figures(50, {"fid_2k_test": 3.5}, group="evaluation")

    events = read(tmp_path / "board")
    loss = [(point.step, point.value) for point in events.Scalars("training/discriminator_loss")]
    assert [(25, 0.25), (50, 0.5)] == loss
    assert [3.5] == [point.value for point in events.Scalars("evaluation/fid_2k_test")]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_becomes_a_picture(tmp_path, channels):
    with closing(TensorBoardWriter(tmp_path)) as writer:
        writer.add_sheet(25, np.full((6, 8, channels), 200, np.uint8))

    [picture] = read(tmp_path).Images("samples")
    assert (25, 6, 8) == (picture.step, picture.height, picture.width)


def test_a_resumed_run_hides_what_was_written_beyond_its_start(tmp_path):
    for first, last in ((0, 6), (3, 5)):
        with closing(TensorBoardWriter(tmp_path, first_step=first)) as writer:
            for step in range(first, last):
                writer.add_figures(step, {"r1": float(first)})

    points = [(point.step, point.value) for point in read(tmp_path).Scalars("training/r1")]
    assert [(0, 0), (1, 0), (2, 0), (3, 3), (4, 3)] == points


def test_without_the_extra_the_way_to_it_is_told(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)

    with pytest.raises(RecipeError, match=r"pip install 'fount\[tensorboard\]'"):
        TensorBoardWriter(tmp_path)
