import numpy as np
import pytest

from app.evaluation.manifold import Manifolds, measure_manifolds


def distance(x, y):
    return np.sqrt(np.sum((x - y) ** 2))


def radius(rows, index, k):
    return sorted(distance(rows[index], other) for j, other in enumerate(rows) if j != index)[k - 1]


def reference_manifolds(real, generated, k):
    """Kynkaanniemi et al. 2019 and Naeem et al. 2020, as they are written: one pair at a time."""
    real_radii = [radius(real, index, k) for index in range(len(real))]
    generated_radii = [radius(generated, index, k) for index in range(len(generated))]
    in_real = np.array([[distance(x, y) <= r for x, r in zip(real, real_radii, strict=True)] for y in generated])
    in_generated = np.array(
        [[distance(x, y) <= r for x in real] for y, r in zip(generated, generated_radii, strict=True)]
    )
    return Manifolds(
        precision=in_real.any(axis=1).mean(),
        recall=in_generated.any(axis=0).mean(),
        density=in_real.sum() / (k * len(generated)),
        coverage=in_real.any(axis=0).mean(),
    )


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("counts", [(40, 25), (25, 40)], ids=["more real", "more generated"])
def test_figures_are_those_of_the_papers(k, counts):
    random = np.random.default_rng(k)
    real, generated = random.normal(size=(counts[0], 4)), random.normal(0.5, 0.8, size=(counts[1], 4))

    assert reference_manifolds(real, generated, k) == measure_manifolds(real, generated, neighbours=k)
