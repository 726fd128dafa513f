import numpy as np
import pytest
import torch

from app.core.errors import ModelUnhealthyError
from app.generators.sheet import PER_CLASS, sheet_labels
from app.training.monitoring.preview import sample_grid
from app.worker.probes import PROBES, choose_probes, draw_probes
from tests.factories import make_networks, make_space


@pytest.mark.parametrize("num_classes", [0, 1, 3, 10, 16, 40])
def test_probes_are_cells_of_the_sheet_and_of_every_class_on_it(num_classes):
    numbers = choose_probes(num_classes)

    assert (PROBES,) == numbers.indices.shape == numbers.labels.shape
    assert PROBES == len(set(numbers.indices.tolist()))
    labels = sheet_labels(num_classes)
    golden = numbers.indices[: numbers.num_golden]
    if labels is None:
        assert list(range(PROBES)) == golden.tolist()
    else:
        assert min(PROBES, len(labels)) == numbers.num_golden
        assert np.array_equal(labels[golden], numbers.labels[: numbers.num_golden])
        assert set(labels.tolist()) == set(numbers.labels[: numbers.num_golden].tolist())
        assert PER_CLASS * min(num_classes, 16) == len(labels)
    assert all(0 <= label < max(1, num_classes) for label in numbers.labels.tolist())


@pytest.mark.parametrize("num_classes", [0, 3, 10])
def test_probes_are_the_samples_of_the_sheet(num_classes):
    generator = make_networks(space=make_space(num_classes=num_classes))[0].eval()

    probes = draw_probes(generator).numpy()

    numbers = choose_probes(num_classes)
    sheet = sample_grid(generator, seed=0)
    assert np.array_equal(sheet[numbers.indices[: numbers.num_golden]], probes[: numbers.num_golden])


def test_probes_that_are_not_finite_are_refused():
    generator = make_networks()[0].eval()
    with torch.no_grad():
        next(generator.parameters()).fill_(float("nan"))

    with pytest.raises(ModelUnhealthyError, match="finite"):
        draw_probes(generator)
