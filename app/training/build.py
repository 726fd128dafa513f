"""From a configuration and images to a trainer."""

from collections.abc import Callable
from typing import cast

import torch

from app.core.errors import RecipeError
from app.data.dataset import ImageDataset
from app.generators.autoencoding import CodeEncoder, Decoder
from app.generators.base import SampleSpace
from app.generators.registry import find_architecture
from app.repository.manifest import ImageSpec
from app.training.compute.lanes import Lanes
from app.training.compute.runtime import Runtime
from app.training.config import AugmentationConfig, ObjectiveConfig, TrainingConfig, parse_config
from app.training.objectives.registry import ELBO, OBJECTIVES, create_objective
from app.training.trainers.adversarial import AdversarialTrainer
from app.training.trainers.gamma import default_gamma
from app.training.trainers.trainer import Trainer
from app.training.trainers.variational import VariationalTrainer

LITTLE_DATA = 1500
"""Images below which the discriminator sees them augmented, unless the recipe says otherwise."""


def resolve_config(config: TrainingConfig, dataset: ImageDataset) -> TrainingConfig:
    """Fill in what depends on the data, so that the recipe in the manifest is complete, and names no folder of ours.

    Raises:
        RecipeError: If labels are asked for and the data has none, or the network cannot be trained with the loss.
    """
    check_pairing(config)
    if config.monitor.on_collapse == "restore" and not config.monitor.evaluation_samples:
        raise RecipeError("monitor.on_collapse: the best weights are known only with evaluation_samples above 0")
    conditional = config.model.conditional
    if conditional is None:
        conditional = len(dataset.class_names) > 1
    if conditional and not dataset.class_names:
        raise RecipeError("model.conditional: the data has no classes")
    architecture = find_architecture(config.model.architecture)
    hyperparameters = architecture.parse(config.model.hyperparameters).model_dump()
    model = config.model.model_copy(update={"conditional": conditional, "hyperparameters": hyperparameters})
    data = config.data.model_copy(update={"source": dataset.name})
    objective = _resolve_objective(config.objective, dataset)
    augmentation = _resolve_augmentation(config.augmentation, dataset)
    update = {"model": model, "data": data, "objective": objective, "augmentation": augmentation}
    return parse_config(config.model_copy(update=update).model_dump())


def check_pairing(config: TrainingConfig) -> None:
    """Refuse a network and a loss that do not go together.

    Raises:
        RecipeError: Naming the losses that do.
    """
    kind = find_architecture(config.model.architecture).training
    if kind == "none":
        raise RecipeError("model.architecture: this family is drawn, not trained; see `fount template`")
    fitting = [ELBO] if kind == "variational" else list(OBJECTIVES)
    if config.objective.name not in fitting:
        raise RecipeError(
            f"objective.name: `{config.model.architecture}` is trained with {', '.join(fitting)}, not with this one"
        )


def _resolve_objective(config: ObjectiveConfig, dataset: ImageDataset) -> ObjectiveConfig:
    if config.name == ELBO:
        return config
    gamma = default_gamma(create_objective(config.name), find_image(dataset))
    given = config.model_dump(include={"r1_gamma", "r2_gamma"}, exclude_none=True)
    return config.model_copy(update={"r1_gamma": gamma, "r2_gamma": gamma} | given)


def _resolve_augmentation(config: AugmentationConfig, dataset: ImageDataset) -> AugmentationConfig:
    if config.policies is not None:
        return config
    policies = ("color", "translation", "cutout") if dataset.num_images < LITTLE_DATA else ()
    return config.model_copy(update={"policies": policies})


def create_trainer(
    config: TrainingConfig, dataset: ImageDataset, runtime: Runtime, lanes: Lanes | None = None
) -> Trainer:
    """Build the networks with weights that follow from the seed."""
    architecture = find_architecture(config.model.architecture)
    hyperparameters = architecture.parse(config.model.hyperparameters)
    space = create_space(config, dataset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = architecture.generator(hyperparameters, space)
        if architecture.discriminator is not None:
            discriminator = architecture.discriminator(hyperparameters, space)
            return AdversarialTrainer(config, generator, discriminator, runtime, lanes)
        encoder = cast("Callable[..., CodeEncoder]", architecture.encoder)(hyperparameters, space)
    return VariationalTrainer(config, cast("Decoder", generator), encoder, runtime, lanes)


def create_space(config: TrainingConfig, dataset: ImageDataset) -> SampleSpace:
    """Describe what the generator maps from and to."""
    num_classes = len(dataset.class_names) if config.model.conditional else 0
    return SampleSpace(find_image(dataset), config.model.latent_dim, num_classes, config.model.latent_prior)


def find_image(dataset: ImageDataset) -> ImageSpec:
    """Describe the images of a training set."""
    _, height, width, channels = dataset.images.shape
    return ImageSpec.model_validate({"height": height, "width": width, "channels": channels})
