"""Objective name -> losses; the only place that lists them."""

from app.core.errors import RecipeError
from app.training.objectives.base import AdversarialObjective
from app.training.objectives.hinge import Hinge
from app.training.objectives.least_squares import LeastSquares
from app.training.objectives.non_saturating import NonSaturating
from app.training.objectives.relativistic import Relativistic
from app.training.objectives.wasserstein_gp import WassersteinGp

ELBO = "elbo"
"""The objective of autoencoders, which are trained without a discriminator."""

OBJECTIVES: dict[str, type[AdversarialObjective]] = {
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "non_saturating": NonSaturating,
    "relativistic": Relativistic,
    "wasserstein_gp": WassersteinGp,
}


def create_objective(name: str) -> AdversarialObjective:
    """Build an objective.

    Raises:
        RecipeError: If there is none of this name.
    """
    try:
        return OBJECTIVES[name]()
    except KeyError:
        raise RecipeError(f"objective.name: no such objective; there are {', '.join(OBJECTIVES)}") from None
