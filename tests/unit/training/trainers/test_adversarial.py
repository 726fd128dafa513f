import pytest
import torch

from app.training.compute.runtime import Runtime
from app.training.config import parse_config
from app.training.objectives.registry import OBJECTIVES
from app.training.trainers.adversarial import AdversarialTrainer
from tests.factories import make_networks, make_space

RUNTIME = Runtime(torch.device("cpu"), "float32", 1)


def make_trainer(objective="relativistic", architecture="resnet_gan", *, optimizer=None, **settings):
    gammas = {"r1_gamma": 0.0, "r2_gamma": 0.0}
    config = parse_config(
        {
            "model": {"architecture": architecture, "latent_dim": 8},
            "objective": gammas | {"name": objective} | settings,
            "optimizer": optimizer or {},
            "schedule": {"batch_size": 6},
        }
    )
    generator, discriminator = make_networks(architecture, make_space(height=16, width=16))
    return AdversarialTrainer(config, generator, discriminator, RUNTIME)


def make_batch(trainer):
    count = trainer.config.images_per_step
    images = torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return images, torch.arange(count) % 3


def record_gradients(trainer, network):
    """Note the gradients with which the optimizer of a network steps."""
    seen = []
    apply = trainer._apply

    def spy(stepped, optimizer, learning_rate):
        if stepped is network:
            seen.append(torch.cat([parameter.grad.flatten() for parameter in stepped.parameters()]))
        apply(stepped, optimizer, learning_rate)

    trainer._apply = spy
    return seen


@pytest.mark.parametrize("objective", ["relativistic", "non_saturating", "wasserstein_gp"])
@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_one_shared_pass_gives_the_gradients_of_both_losses(objective, gamma):
    trainer = make_trainer(objective, r1_gamma=gamma, gradient_penalty=0.0)
    images, labels = make_batch(trainer)
    fake = trainer.generator(trainer._draw_latents(0, "generator", 6), labels)
    real_scores, scores = trainer.discriminator(images, labels), trainer.discriminator(fake, labels)
    loss = trainer._objective.generator_loss(real_scores.detach(), scores).mean()
    expected = torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(trainer.generator.parameters()))])
    seen = record_gradients(trainer, trainer.generator)

    losses = trainer.step(0, 0.0, images, labels)

    torch.testing.assert_close(seen[0], expected, atol=1e-7, rtol=1e-3)
    torch.testing.assert_close(losses["generator_loss"], loss.detach())


def test_losses_that_cannot_share_a_pass_take_turns():
    assert [False, False, True, True, True] == [make_trainer(name)._is_simultaneous for name in sorted(OBJECTIVES)]
    assert not make_trainer("wasserstein_gp", critic_steps=3)._is_simultaneous
    assert not make_trainer("relativistic", update="alternating")._is_simultaneous


def test_the_critic_takes_its_steps_on_different_images():
    trainer = make_trainer("wasserstein_gp", critic_steps=3)
    seen = record_gradients(trainer, trainer.discriminator)
    images, labels = make_batch(trainer)

    losses = trainer.step(0, 0.0, images, labels)

    assert 18 == len(images)
    assert 3 == len(seen)
    assert not torch.equal(seen[0], seen[1])
    assert losses["gradient_penalty"] > 0


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("architecture", ["dcgan", "resnet_gan"])
def test_every_objective_lowers_the_discriminators_loss_on_a_fixed_batch(objective, architecture):
    trainer = make_trainer(objective, architecture, optimizer={"generator_lr": 1e-9}, update="alternating")
    images, labels = make_batch(trainer)

    losses = [float(trainer.step(0, 0.0, images, labels)["discriminator_loss"]) for _ in range(12)]

    assert losses[-1] < losses[0]


def test_gradients_are_clipped_to_their_norm():
    trainer = make_trainer(optimizer={"max_grad_norm": 1e-3})
    clipped = []
    step = trainer._generator_optimizer.step

    def spy():
        parts = [parameter.grad.flatten() for parameter in trainer.generator.parameters()]
        clipped.append(float(torch.cat(parts).norm()))
        step()

    trainer._generator_optimizer.step = spy

    trainer.step(0, 0.0, *make_batch(trainer))

    assert clipped == [pytest.approx(1e-3, rel=1e-3)]
