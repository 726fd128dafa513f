"""Training configuration: a recipe (TOML) with command line values on top, checked before anything else happens."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.errors import RecipeError
from app.core.seeds import SEED_LIMIT, LatentPrior

_RECIPES = "app.training.recipes"

AugmentationPolicy: TypeAlias = Literal["color", "translation", "cutout"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(_Section):
    """What to train on."""

    source: str | None = Field(None, description="Where the images are; `--data` on the command line.")
    split: str = Field("train", description="Part of the data, where it has parts.")
    image_size: int | None = Field(None, ge=8, le=128, description="Side of the square to resize to, in pixels.")
    channels: Literal[1, 3] | None = Field(None, description="1 for grey, 3 for RGB; by looking when not set.")
    skip_broken: bool = Field(False, description="Leave out images that cannot be read, instead of stopping.")
    mirror: bool = Field(False, description="Flip half of the real images left to right; not for digits and letters.")
    balanced: bool = Field(False, description="Show every class equally often, however many images it has.")
    stack: int | None = Field(
        None, ge=1, le=10**7, description="Train on this many RGB images of three grey ones each (StackedMNIST)."
    )


class ModelConfig(_Section):
    """What to train."""

    architecture: str = Field("resnet_gan", description="The network family.")
    latent_dim: int = Field(64, ge=1, le=1024, description="Numbers per latent.")
    latent_prior: LatentPrior = Field("normal", description="Distribution of each number; `truncated` within +-2.")
    conditional: bool | None = Field(None, description="Use the class labels; by default when the data has any.")
    hyperparameters: dict[str, Any] = Field(default_factory=dict, description="Of the architecture.")


class ObjectiveConfig(_Section):
    """The loss, and what belongs to it; settings of another kind of loss are ignored."""

    name: str = Field("relativistic", description="The loss.")
    update: Literal["simultaneous", "alternating"] = Field(
        "simultaneous",
        description="Take both gradients from one pass, or update the discriminator first. Losses that cannot share a "
        "pass (`least_squares`, `hinge`), and more than one critic step, alternate in any case.",
    )
    critic_steps: int = Field(1, ge=1, le=20, description="Discriminator updates per generator update.")
    r1_gamma: float | None = Field(None, ge=0, le=1e4, description="Weight of R1; by default right for the size.")
    r2_gamma: float | None = Field(None, ge=0, le=1e4, description="Weight of R2; by default right for the size.")
    gamma_decay: float = Field(1.0, gt=0, le=1, description="Last gamma relative to the first; falls exponentially.")
    gamma_control: bool = Field(False, description="Steer gamma by the discriminator's loss instead.")
    penalty_interval: int = Field(4, ge=1, le=64, description="Steps between R1/R2; each weighs this much more.")
    gradient_penalty: float = Field(10.0, ge=0, le=1e4, description="Weight of the slope of 1 (`wasserstein_gp`).")
    reconstruction: Literal["gaussian", "bernoulli"] = Field("gaussian", description="Likelihood of pixels (`elbo`).")
    kl_weight: float = Field(1.0, ge=0, le=1e4, description="Weight of the divergence from the prior (`elbo`).")
    kl_warmup: float = Field(0.1, ge=0, le=1, description="Part of the run over which that weight rises from zero.")
    free_bits: float = Field(0.0, ge=0, le=100, description="Divergence per latent number that costs nothing, in nats.")


class OptimizerConfig(_Section):
    """Adam for all networks; learning rates fall to ``final_factor`` along half a cosine."""

    generator_lr: float = Field(1e-3, gt=0, le=1, description="Also of encoder and decoder.")
    discriminator_lr: float = Field(1e-3, gt=0, le=1)
    final_factor: float = Field(0.1, ge=0, le=1, description="Last learning rate, relative to the first.")
    warmup_images: int = Field(0, ge=0, le=10**9, description="Images over which learning rates rise from zero.")
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    max_grad_norm: float = Field(0.0, ge=0, le=1e6, description="Gradients of a network are scaled to this; 0: never.")


class AugmentationConfig(_Section):
    """Differentiable augmentation of what the discriminator sees, real and generated alike; for little data."""

    policies: tuple[AugmentationPolicy, ...] | None = Field(
        None, description="Of `color`, `translation`, `cutout`; by default all that fit, below 1,500 images."
    )
    probability: float = Field(1.0, ge=0, le=1, description="Chance of each policy for each image.")
    adaptive: bool = Field(False, description="Start at zero and raise the chance when the discriminator overfits.")
    target: float = Field(0.6, ge=0, le=1, description="Of the adaptive chance: how sure it may be of real images.")
    ramp_images: int = Field(500_000, ge=1000, le=10**9, description="Images over which it can go from 0 to 1.")


class AveragingConfig(_Section):
    """Exponential moving average of the generator's weights; it is the average that is published."""

    half_life_images: int = Field(20_000, ge=1, le=10**9, description="Images after which weights count half.")
    ramp: float = Field(0.05, gt=0, le=1, description="Half-life is at most this fraction of the images seen.")


class ScheduleConfig(_Section):
    """How long, and how often to look."""

    batch_size: int = Field(128, ge=2, le=65536)
    steps: int = Field(2000, ge=1, le=10**9, description="Updates of each network.")
    time_budget_s: float | None = Field(
        None, gt=0, le=10**7, description="Seconds of training instead of steps; schedules follow the clock."
    )
    clock: Literal["wall", "cpu"] = Field(
        "wall", description="Time of a budget: of the day, or of this process, for machines that are shared."
    )
    log_interval: int = Field(25, ge=1, le=10**6, description="Steps between lines of the log.")
    snapshot_interval: int = Field(500, ge=1, le=10**7, description="Steps between snapshots and sample grids.")


class MonitorConfig(_Section):
    """What is watched during a run, and what happens when it goes wrong."""

    evaluation_samples: int = Field(
        0,
        ge=0,
        le=50_000,
        description="Samples of a short evaluation at each snapshot, where the best by FID is kept; 0: none.",
    )
    on_collapse: Literal["warn", "stop", "restore"] = Field(
        "warn", description="When modes are lost: say so, end the run, or end it with the best weights."
    )
    tensorboard: bool = Field(False, description="Write curves and grids for TensorBoard into the run's folder.")


class RuntimeConfig(_Section):
    """Where to compute; not part of what is computed, but for rounding."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="`auto`: bfloat16 where native.")
    threads: int = Field(0, ge=0, le=1024, description="Compute threads; 0 takes one per core.")
    lanes: int = Field(1, ge=1, le=64, description="Processes that share each batch; on CPUs faster than threads.")


class TrainingConfig(_Section):
    """A complete run."""

    description: str = Field("", max_length=500)
    license: str | None = Field(None, max_length=200, description="Licence of the weights, for the card.")
    seed: int = Field(0, ge=0, lt=SEED_LIMIT)
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    averaging: AveragingConfig = AveragingConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    monitor: MonitorConfig = MonitorConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    @property
    def images_per_step(self) -> int:
        """Real images that a step sees: one batch per update of the discriminator."""
        return self.schedule.batch_size * self.objective.critic_steps


def list_recipes() -> list[str]:
    """Name the recipes that come with Fount."""
    files = resources.files(_RECIPES).iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_recipe(recipe: str) -> str:
    """Return the text of a recipe: a name from ``list_recipes``, or a path to a TOML file.

    Raises:
        RecipeError: If there is none.
    """
    if recipe in list_recipes():
        return resources.files(_RECIPES).joinpath(f"{recipe}.toml").read_text("utf-8")
    path = Path(recipe)
    if path.suffix == ".toml" and path.is_file():
        return path.read_text("utf-8")
    raise RecipeError(f"no recipe `{recipe}`: give a .toml file, or a name", recipes=list_recipes())


def load_config(recipe: str, overrides: Sequence[str] = ()) -> TrainingConfig:
    """Read a recipe and put ``key=value`` overrides on top.

    Args:
        recipe: Name or path, as for ``read_recipe``.
        overrides: Each ``section.key=value``, or ``key=value`` where the key is in one section only; values are TOML,
            and text needs no quotes.

    Raises:
        RecipeError: If the recipe is not TOML, or a key or value is not valid; says which.
    """
    try:
        document = tomllib.loads(read_recipe(recipe))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"recipe `{recipe}` is not TOML: {error}") from error
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise RecipeError(f"`--set {override}`: expected key=value")
        _put(document, _find_key(key.strip()), _parse_value(value.strip()))
    return parse_config(document)


def parse_config(document: Mapping[str, Any]) -> TrainingConfig:
    """Check a whole configuration.

    Raises:
        RecipeError: Naming the first bad key and its bound.
    """
    try:
        return TrainingConfig.model_validate(dict(document))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{where}: {first['msg']}") from error


def _find_key(key: str) -> list[str]:
    """Complete a short key with its section."""
    sections = {
        name: field.annotation.model_fields
        for name, field in TrainingConfig.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    path = key.split(".")
    if path[0] in TrainingConfig.model_fields:
        return path
    if path[0] == "hyperparameters":
        return ["model", *path]
    homes = [name for name, fields in sections.items() if path[0] in fields]
    if len(homes) != 1:
        known = sorted({name for fields in sections.values() for name in fields})
        raise RecipeError(f"`--set {key}`: no such key; there are {', '.join(known)}")
    return [homes[0], *path]


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    *sections, key = path
    for section in sections:
        document = document.setdefault(section, {})
    document[key] = value


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
