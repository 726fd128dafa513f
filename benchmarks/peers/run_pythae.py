"""Trains an autoencoder of pythae on MNIST for a CPU budget, and writes the samples of each of its samplers.

No model of pythae knows classes. What comes nearest with its public interface is one Gaussian mixture per class, each
fitted to the latents of that class: ``--samplers per-class`` writes those, with labels. Training stops inside an epoch
when the budget less ``--fit-s`` is spent; fitting the sampler is the rest of the budget.
"""

import argparse
import importlib
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peer import (
    NUM_CLASSES,
    Budget,
    BudgetSpentError,
    create_parser,
    describe,
    read_test_images,
    read_training_split,
    write_samples,
)
from torch import Tensor

MODELS = {
    "vae": ("VAE", "VAEConfig", "VAE"),
    "beta_vae": ("BetaVAE", "BetaVAEConfig", "VAE"),
    "rae_l2": ("RAE_L2", "RAE_L2_Config", "AE"),
    "wae_mmd": ("WAE_MMD", "WAE_MMD_Config", "AE"),
}
SAMPLERS = ("normal", "mixture", "per-class")
NEVER = 10**6


class Stopwatch:
    """A callback of pythae's trainer that counts batches and ends the run with its budget."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.steps = 0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *_, **__: None

    def on_train_step_end(self, *_: Any, **__: Any) -> None:
        """Count one batch."""
        self.steps += 1
        self.budget.check()


def main() -> None:
    """Train, fit the samplers, sample, write one file per sampler."""
    parser = create_parser(__doc__)
    parser.add_argument("--model", choices=MODELS, default="vae")
    parser.add_argument("--nets", choices=("conv", "mlp"), default="conv", help="its MNIST nets, or its default ones")
    parser.add_argument("--latent-dim", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-4, help="1e-4 is the peer's default")
    parser.add_argument("--cosine-epochs", type=int, help="let the rate fall along a cosine over so many epochs")
    parser.add_argument("--loss", choices=("bce", "mse"), default="mse", help="reconstruction loss, where it is open")
    parser.add_argument("--beta", type=float, default=1.0, help="weight of the prior in a beta_vae")
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=SAMPLERS)
    parser.add_argument("--components", type=int, default=10, help="Gaussians of one mixture")
    parser.add_argument("--fit-images", type=int, default=10_000, help="images that a mixture is fitted to")
    parser.add_argument("--fit-s", type=float, default=60.0, help="CPU seconds kept for fitting a sampler")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images, labels = read_training_split(arguments.data)
    pixels = torch.from_numpy(images.copy()).float().div(255.0).unsqueeze(1)
    model, figures = _train(arguments, pixels)
    figures["reconstruction_mse_10k_test"] = _reconstruct(model, read_test_images(arguments.data))
    for sampler in arguments.samplers:
        budget = Budget(arguments.fit_s)
        fitted = _fit(arguments, sampler, model, pixels[: arguments.fit_images], labels[: arguments.fit_images])
        training = figures | {"sampler": sampler, "fit_cpu_s": budget.spent_s}
        asked = np.arange(arguments.num_samples) % NUM_CLASSES if sampler == "per-class" else None
        record = describe(arguments, ["torch", "pythae", "scikit-learn", "numpy"], training)
        write_samples(
            _name(arguments.out, sampler), _sample(fitted, arguments.num_samples, arguments.seed), asked, record
        )


def _name(out: Path, sampler: str) -> Path:
    return out.with_name(f"{out.stem}-{sampler}.npz")


def _build(arguments: argparse.Namespace) -> Any:
    models = importlib.import_module("pythae.models")
    model_name, config_name, family = MODELS[arguments.model]
    options: dict[str, Any] = {"input_dim": (1, 28, 28), "latent_dim": arguments.latent_dim}
    if family == "VAE":
        options["reconstruction_loss"] = arguments.loss
    if arguments.model == "beta_vae":
        options["beta"] = arguments.beta
    config = getattr(models, config_name)(**options)
    if arguments.nets == "mlp":
        return getattr(models, model_name)(config)
    nets = importlib.import_module("pythae.models.nn.benchmarks.mnist")
    encoder = getattr(nets, f"Encoder_Conv_{family}_MNIST")(config)
    return getattr(models, model_name)(config, encoder=encoder, decoder=nets.Decoder_Conv_AE_MNIST(config))


def _train(arguments: argparse.Namespace, pixels: Tensor) -> tuple[Any, dict[str, Any]]:
    pipelines = importlib.import_module("pythae.pipelines")
    torch.manual_seed(arguments.seed)
    model = _build(arguments)
    stopwatch = Stopwatch(Budget(arguments.budget_s - arguments.fit_s))
    with TemporaryDirectory() as folder:
        config = _configure(arguments, folder)
        try:
            pipelines.TrainingPipeline(model=model, training_config=config)(train_data=pixels, callbacks=[stopwatch])
        except BudgetSpentError:
            return model, _count(arguments, stopwatch, model)
    raise RuntimeError("the trainer stopped before its budget was spent")


def _configure(arguments: argparse.Namespace, folder: str) -> Any:
    """Fill the trainer's configuration; a regularised autoencoder has one optimizer for each half."""
    trainers = importlib.import_module("pythae.trainers")
    options: dict[str, Any] = {"learning_rate": arguments.lr}
    if arguments.cosine_epochs:
        options |= {"scheduler_cls": "CosineAnnealingLR", "scheduler_params": {"T_max": arguments.cosine_epochs}}
    name = "BaseTrainerConfig"
    if arguments.model == "rae_l2":
        name = "CoupledOptimizerTrainerConfig"
        options = {f"{half}_{option}": value for half in ("encoder", "decoder") for option, value in options.items()}
    return getattr(trainers, name)(
        output_dir=folder,
        per_device_train_batch_size=arguments.batch_size,
        num_epochs=NEVER,
        seed=arguments.seed,
        no_cuda=True,
        **options,
    )


def _count(arguments: argparse.Namespace, stopwatch: Stopwatch, model: Any) -> dict[str, Any]:
    images_seen = stopwatch.steps * arguments.batch_size
    return {
        "cpu_s": stopwatch.budget.spent_s,
        "images_seen": images_seen,
        "images_per_cpu_s": images_seen / stopwatch.budget.spent_s,
        "steps": stopwatch.steps,
        "parameters": sum(math.prod(part.shape) for part in model.parameters()),
    }


@torch.no_grad()
def _reconstruct(model: Any, images: NDArray[np.uint8]) -> float:
    """Return the mean squared error of images seen through the mean of their code, in 8 bits, with pixels in [0, 1]."""
    errors = []
    for start in range(0, len(images), 500):
        pixels = torch.from_numpy(images[start : start + 500].copy()).float().div(255.0).unsqueeze(1)
        seen = model.predict(pixels).recon_x.reshape(pixels.shape).clamp(0.0, 1.0).mul(255.0).round().div(255.0)
        errors.append((seen - pixels).double().square().mean(dim=(1, 2, 3)))
    return float(torch.cat(errors).mean())


def _fit(
    arguments: argparse.Namespace, sampler: str, model: Any, pixels: Tensor, labels: NDArray[np.int64]
) -> list[Any]:
    """Fit one sampler of the peer, or one per class in label order."""
    samplers = importlib.import_module("pythae.samplers")
    np.random.seed(arguments.seed)  # noqa: NPY002 - scikit-learn's mixture draws from the global generator
    torch.manual_seed(arguments.seed)
    if sampler == "normal":
        return [samplers.NormalSampler(model=model)]
    config = samplers.GaussianMixtureSamplerConfig(n_components=arguments.components)
    masks = [labels == label for label in range(NUM_CLASSES)] if sampler == "per-class" else [labels >= 0]
    fitted = []
    for mask in masks:
        mixture = samplers.GaussianMixtureSampler(model=model, sampler_config=config)
        mixture.fit(pixels[torch.from_numpy(mask)])
        fitted.append(mixture)
    return fitted


@torch.no_grad()
def _sample(fitted: list[Any], num_samples: int, seed: int) -> NDArray[np.float32]:
    """Sample (N, 28, 28) in [0, 1]; with one sampler per class, classes take turns."""
    torch.manual_seed(seed + 1)
    per_sampler = num_samples // len(fitted)
    drawn = [sampler.sample(num_samples=per_sampler, batch_size=500).numpy()[:, 0] for sampler in fitted]
    return np.stack(drawn, axis=1).reshape(-1, *drawn[0].shape[1:]).astype(np.float32)


if __name__ == "__main__":
    main()
