"""Trains a network of torch-mimicry on MNIST for a CPU budget, and writes its samples.

The networks know 32x32 RGB only: digits are padded by two black pixels a side and repeated over the channels; samples
are cropped and averaged back. Its trainer, losses and networks run as they are; the learning rate falls linearly with
the budget where its own recipe has it fall with the step.
"""

import argparse
import importlib
import math
from collections.abc import Sequence
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
    read_training_split,
    stand_in,
    write_samples,
)
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

# Scoring and downloads (TensorFlow, torchvision), the board and image files: nothing of them is called.
UNUSED = ["torch_mimicry.metrics", "torch_mimicry.datasets", "torch.utils.tensorboard", "torchvision", "skimage"]
MODELS = {
    "cgan_pd": ("CGANPDGenerator32", "CGANPDDiscriminator32"),
    "sngan": ("SNGANGenerator32", "SNGANDiscriminator32"),
    "dcgan": ("DCGANGenerator32", "DCGANDiscriminator32"),
    "wgan_gp": ("WGANGPGenerator32", "WGANGPDiscriminator32"),
}
NEVER = 10**9
BATCH = 256  # of samples


class LinearDecay:
    """Stands where the trainer has its scheduler: ends the run with the budget, and lets the rate fall with it."""

    def __init__(self, budget: Budget, optimizers: Sequence[torch.optim.Optimizer], learning_rate: float) -> None:
        self.budget = budget
        self.optimizers = optimizers
        self.learning_rate = learning_rate
        self.steps = 0

    def step(self, log_data: Any, global_step: int) -> Any:
        """Set the rates after a step of the generator; the names are the trainer's."""
        self.steps = global_step
        self.budget.check()
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = self.learning_rate * (1.0 - self.budget.progress)
        return log_data


def main() -> None:
    """Train, sample, write."""
    parser = create_parser(__doc__)
    parser.add_argument("--model", choices=MODELS, default="cgan_pd")
    parser.add_argument("--ngf", type=int, default=256, help="width of the generator; 256 is the peer's default")
    parser.add_argument("--ndf", type=int, default=128, help="width of the discriminator; 128 is the peer's default")
    parser.add_argument("--n-dis", type=int, default=5, help="discriminator steps per generator step")
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--beta1", type=float, default=0.0)
    parser.add_argument("--beta2", type=float, default=0.9)
    parser.add_argument("--channels-last", action="store_true", help="lay weights out as CPUs like them")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    with stand_in(UNUSED):
        nets = importlib.import_module(f"torch_mimicry.nets.{arguments.model}")
        training = importlib.import_module("torch_mimicry.training")
    generator, figures = _train(arguments, nets, training)
    labels = np.arange(arguments.num_samples) % NUM_CLASSES if arguments.model == "cgan_pd" else None
    images = _sample(generator, labels, arguments.num_samples, arguments.seed)
    write_samples(arguments.out, images, labels, describe(arguments, ["torch", "torch-mimicry", "numpy"], figures))


def _train(arguments: argparse.Namespace, nets: Any, training: Any) -> tuple[nn.Module, dict[str, Any]]:
    loader = _load(arguments.data, arguments.batch_size)
    classes = {"num_classes": NUM_CLASSES} if arguments.model == "cgan_pd" else {}
    generator_class, discriminator_class = (getattr(nets, name) for name in MODELS[arguments.model])
    generator = generator_class(ngf=arguments.ngf, **classes)
    discriminator = discriminator_class(ndf=arguments.ndf, **classes)
    if arguments.channels_last:
        generator.to(memory_format=torch.channels_last)
        discriminator.to(memory_format=torch.channels_last)
    optimizers = [
        torch.optim.Adam(network.parameters(), arguments.lr, betas=(arguments.beta1, arguments.beta2))
        for network in (discriminator, generator)
    ]
    budget = Budget(arguments.budget_s)
    decay = LinearDecay(budget, optimizers, arguments.lr)
    with TemporaryDirectory() as folder:
        trainer = training.Trainer(
            netD=discriminator,
            netG=generator,
            optD=optimizers[0],
            optG=optimizers[1],
            dataloader=loader,
            num_steps=NEVER,
            n_dis=arguments.n_dis,
            log_dir=folder,
            device=torch.device("cpu"),
            print_steps=NEVER,
            vis_steps=NEVER,
            log_steps=NEVER,
            save_steps=NEVER,
        )
        trainer.scheduler = decay
        try:
            trainer.train()
        except BudgetSpentError:
            return generator, _count(arguments, decay, generator, discriminator)
    raise RuntimeError("the trainer stopped before its budget was spent")


def _load(folder: Path, batch_size: int) -> DataLoader[tuple[Tensor, ...]]:
    images, labels = read_training_split(folder)
    padded = np.pad(images, [(0, 0), (2, 2), (2, 2)])
    pixels = torch.from_numpy(padded).float().div(127.5).sub(1.0).unsqueeze(1).expand(-1, 3, -1, -1)
    return DataLoader(TensorDataset(pixels, torch.from_numpy(labels)), batch_size=batch_size, shuffle=True)


def _count(
    arguments: argparse.Namespace, decay: LinearDecay, generator: nn.Module, discriminator: nn.Module
) -> dict[str, Any]:
    images_seen = decay.steps * arguments.n_dis * arguments.batch_size
    return {
        "cpu_s": decay.budget.spent_s,
        "images_seen": images_seen,
        "images_per_cpu_s": images_seen / decay.budget.spent_s,
        "generator_steps": decay.steps,
        "generator_parameters": sum(math.prod(part.shape) for part in generator.parameters()),
        "discriminator_parameters": sum(math.prod(part.shape) for part in discriminator.parameters()),
    }


@torch.no_grad()
def _sample(generator: Any, labels: NDArray[np.int64] | None, num_samples: int, seed: int) -> NDArray[np.float32]:
    """Sample (N, 28, 28) in [0, 1], with the statistics of training in its normalisation layers frozen."""
    torch.manual_seed(seed + 1)
    generator.eval()
    batches = []
    for start in range(0, num_samples, BATCH):
        noise = torch.randn(min(BATCH, num_samples - start), generator.nz)
        asked = () if labels is None else (torch.from_numpy(labels[start : start + BATCH]),)
        batches.append(generator(noise, *asked)[:, :, 2:30, 2:30].mean(1).add(1.0).div(2.0).numpy())
    return np.concatenate(batches)


if __name__ == "__main__":
    main()
