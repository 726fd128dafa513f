import pytest
import torch

from app.core.errors import UnsupportedArchitectureError
from app.generators.base import Pyramid
from app.generators.registry import ARCHITECTURES, find_architecture
from app.repository.manifest import ImageSpec
from tests.factories import make_networks, make_space

SIZES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (100, 100, 3), (128, 128, 3), (20, 48, 3), (9, 33, 1)]
ADVERSARIAL = [name for name, family in ARCHITECTURES.items() if family.training == "adversarial"]
VARIATIONAL = [name for name, family in ARCHITECTURES.items() if family.training == "variational"]


@pytest.mark.parametrize("architecture", [*ADVERSARIAL, *VARIATIONAL])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("num_classes", [0, 3])
def test_networks_keep_the_shapes_and_range_of_any_image_size(architecture, size, num_classes):
    height, width, channels = size
    space = make_space(num_classes=num_classes, height=height, width=width, channels=channels)
    generator, partner = make_networks(architecture, space)
    labels = torch.arange(4) % 3 if num_classes else None

    images = generator(torch.randn(4, space.latent_dim), labels)
    answer = partner(images, labels)

    assert (4, channels, height, width) == tuple(images.shape)
    assert images.abs().max() <= 1
    expected = [(4,)] if architecture in ADVERSARIAL else [(4, space.latent_dim)] * 2
    answers = [answer] if architecture in ADVERSARIAL else [answer.mean, answer.log_var]
    assert expected == [tuple(tensor.shape) for tensor in answers]


@pytest.mark.parametrize("architecture", ADVERSARIAL)
def test_the_label_changes_the_image_and_the_score(architecture):
    generator, discriminator = make_networks(architecture)
    generator.eval()
    latents = torch.randn(1, generator.latent_dim)
    images = [generator(latents, torch.tensor([label])) for label in (0, 1)]

    scores = [discriminator(images[0], torch.tensor([label])) for label in (0, 1)]

    assert not torch.equal(*images)
    assert not torch.equal(*scores)


@pytest.mark.parametrize("architecture", ADVERSARIAL)
def test_every_parameter_learns(architecture):
    generator, discriminator = make_networks(architecture)
    labels = torch.arange(6) % 3

    discriminator(generator(torch.randn(6, generator.latent_dim), labels), labels).square().sum().backward()

    assert [] == _idle(generator) + _idle(discriminator)


@pytest.mark.parametrize("architecture", VARIATIONAL)
def test_every_parameter_of_encoder_and_decoder_learns(architecture):
    decoder, encoder = make_networks(architecture)
    _shake(decoder, encoder)
    labels = torch.arange(6) % 3

    posterior = encoder.encode(torch.randn(6, 1, 8, 8), labels)
    codes = posterior.at(torch.randn(6, decoder.latent_dim))
    (decoder.decode(codes, labels).square().sum() + posterior.log_var.sum()).backward()

    assert [] == _idle(decoder) + _idle(encoder)


@pytest.mark.parametrize("architecture", VARIATIONAL)
def test_the_label_changes_the_image_and_the_code(architecture):
    decoder, encoder = make_networks(architecture)
    _shake(decoder, encoder)
    latents = torch.randn(1, decoder.latent_dim)
    images = [decoder(latents, torch.tensor([label])) for label in (0, 1)]

    codes = [encoder(images[0], torch.tensor([label])).mean for label in (0, 1)]

    assert not torch.equal(*images)
    assert not torch.equal(*codes)


@pytest.mark.parametrize("architecture", VARIATIONAL)
@pytest.mark.parametrize("num_classes", [0, 3])
def test_what_an_encoder_says_is_decoded_to_what_its_code_says(architecture, num_classes):
    decoder, encoder = make_networks(architecture, make_space(num_classes=num_classes, latent_dim=7))
    _shake(decoder, encoder)
    encoder.prior.load_state_dict(decoder.prior.state_dict())
    images, labels = torch.rand(5, 1, 8, 8) * 2 - 1, torch.arange(5) % 3 if num_classes else None

    with torch.no_grad():
        decoded = decoder(encoder(images, labels).mean, labels)
        expected = decoder.decode(encoder.encode(images, labels).mean, labels)

    torch.testing.assert_close(decoded, expected, rtol=1e-4, atol=1e-5)


def _idle(network):
    named = network.named_parameters()
    return [name for name, parameter in named if parameter.requires_grad and parameter.grad is None]


def _shake(*networks):
    """Move weights that are zero at the start."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for network in networks:
            for parameter in network.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


@pytest.mark.parametrize("side", range(8, 129))
def test_a_pyramid_reaches_its_image_and_not_much_more(side):
    image = ImageSpec(height=side, width=side, channels=1)

    pyramid = Pyramid.for_image(image)

    reached = pyramid.height * 2**pyramid.levels
    assert side <= reached < side + 2**pyramid.levels
    assert 4 <= pyramid.height <= 7


def test_padding_is_undone_by_cropping():
    image = ImageSpec(height=20, width=45, channels=1)
    pyramid = Pyramid.for_image(image)
    pixels = torch.randn(2, 1, 20, 45)

    assert torch.equal(pixels, pyramid.crop(pyramid.pad(pixels), image))


def test_an_unknown_architecture_is_refused_by_listing_the_known_ones():
    with pytest.raises(UnsupportedArchitectureError, match="dcgan, mlp_gan, resnet_gan"):
        find_architecture("stylegan")


@pytest.mark.parametrize(
    "hyperparameters", [{"base_width": 10**6}, {"base_width": 0}, {"depth": 3}, {"base_width": "64"}]
)
def test_hyperparameters_out_of_bounds_are_refused(hyperparameters):
    with pytest.raises(UnsupportedArchitectureError):
        find_architecture("dcgan").parse(hyperparameters)


def test_a_fresh_resnet_generator_has_no_checkerboard():
    generator, _ = make_networks("resnet_gan", make_space(height=16, width=16, channels=3))

    images = generator(torch.randn(2, generator.latent_dim), torch.tensor([0, 1]))

    patches = images.unflatten(2, (8, 2)).unflatten(4, (8, 2))
    assert torch.equal(patches, patches[:, :, :, :1, :, :1].expand_as(patches))
