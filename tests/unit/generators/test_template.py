import numpy as np
import pytest
import torch

from app.core.errors import UnsupportedArchitectureError
from app.core.seeds import draw_latents
from app.generators.base import SampleSpace
from app.generators.checkpoint import dump_weights, load_generator
from app.generators.pixels import to_pixels
from app.generators.registry import find_architecture
from app.generators.template import TemplateConfig, TemplateGenerator
from app.generators.template_drawing import LATENT_DIM, Place, draw_picture
from app.generators.template_shapes import find_outline
from app.generators.template_spec import TemplateSpec
from tests.drafts import make_draft

MIDDLE = np.zeros(LATENT_DIM, dtype=np.float32)


def make_spec(*classes, height=24, width=24, channels=1, pen=None, **parts):
    classes = classes or ({"shape": "square"},)
    drawn = [
        {"name": f"class-{number}"} | kind | {"pen": (pen or {}) | kind.get("pen", {})}
        for number, kind in enumerate(classes)
    ]
    document = {"image": {"height": height, "width": width, "channels": channels}, "classes": drawn, **parts}
    return TemplateSpec.model_validate(document)


def make_generator(spec):
    config = TemplateConfig(template=spec)
    return TemplateGenerator(config, config.create_space())


def latent(**values):
    numbers = MIDDLE.copy()
    for name, value in values.items():
        numbers[Place[name.upper()]] = value
    return numbers


def ink(picture):
    """Rows and columns of the box around what is painted."""
    rows, columns = np.nonzero(picture[:, :, 0] > 127)
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_a_square_is_as_large_as_asked_and_in_the_middle():
    spec = make_spec(pen={"size": [0.5, 0.5]}, height=40, width=40)

    picture = draw_picture(spec, MIDDLE, 0)

    assert (40, 40, 1) == picture.shape
    assert (11, 28, 11, 28) == ink(picture)  # 0.85 of half of 40 pixels, rounded to 17 or 18


def test_offsets_move_right_and_down():
    spec = make_spec(pen={"size": [0.3, 0.3], "offset": [-0.25, 0.25]}, height=40, width=40)

    top, _, left, _ = ink(draw_picture(spec, MIDDLE, 0))
    moved = ink(draw_picture(spec, latent(right=1.0, down=-1.0), 0))

    assert (top - 10, left + 10) == (moved[0], moved[2])


@pytest.mark.parametrize("kind", [{"shape": "arrow"}, {"text": ["L"]}, {"strokes": [[[0, 1], [0, -1], [1, -1]]]}])
def test_a_quarter_turn_is_counterclockwise(kind):
    spec = make_spec(kind, pen={"rotation_deg": [0, 90], "size": [0.7, 0.7]}, height=40, width=40)

    straight, turned = (draw_picture(spec, latent(rotation=end), 0)[:, :, 0].astype(int) for end in (-1, 1))

    assert abs(np.rot90(straight) - turned).mean() < 3


@pytest.mark.parametrize("kind", [{"text": ["I"]}, {"strokes": [[[0, 1], [0, -1]]]}])
def test_a_shear_leans_to_the_right(kind):
    spec = make_spec(kind, pen={"size": [0.8, 0.8], "shear": [0.8, 0.8]}, height=40, width=40)

    columns = [draw_picture(spec, MIDDLE, 0)[row, :, 0].astype(float) for row in (8, 31)]

    centres = [float(weights @ np.arange(40) / weights.sum()) for weights in columns]
    assert centres[0] > centres[1] + 8


def test_an_aspect_above_one_is_wide():
    spec = make_spec(pen={"size": [0.5, 0.5], "aspect": [2.0, 2.0]}, height=40, width=40)

    top, bottom, left, right = ink(draw_picture(spec, MIDDLE, 0))

    assert pytest.approx(2.0, abs=0.2) == (right - left + 1) / (bottom - top + 1)


def test_an_outline_is_hollow():
    ring = make_spec({"shape": "circle", "pen": {"filled": False}}, height=40, width=40)

    picture = draw_picture(ring, MIDDLE, 0)

    assert 0 == picture[20, 20, 0]
    assert 200 < picture.max()


def test_colours_are_chosen_and_become_grey_by_their_luma():
    spec = make_spec(pen={"colours": ["#ff0000", "#0000ff"], "size": [2.0, 2.0]})

    levels = [int(draw_picture(spec, latent(colour=end), 0)[12, 12, 0]) for end in (-1, 1)]

    assert [76, 29] == levels


def test_noise_has_the_deviation_asked_for():
    spec = make_spec(
        ground={"colours": ["#808080"]},
        finish={"noise": [0.1, 0.1]},
        pen={"colours": ["#808080"]},
        height=128,
        width=128,
    )

    pictures = [draw_picture(spec, latent(noise_key=key), 0).astype(float) for key in (0.0, 0.5)]

    assert pytest.approx(25.5, rel=0.03) == pictures[0].std()
    assert pytest.approx(128, abs=1) == pictures[0].mean()
    assert abs(np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1]) < 0.05


def test_blur_softens_edges():
    sharp, soft = (make_spec(finish={"blur_px": [radius, radius]}) for radius in (0.0, 2.0))

    assert draw_picture(soft, MIDDLE, 0).std() < draw_picture(sharp, MIDDLE, 0).std()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_does_not_depend_on_its_batch(channels):
    spec = make_spec(
        {"shape": "star"},
        {"text": ["a", "b"]},
        channels=channels,
        pen={"rotation_deg": [-180, 180], "offset": [-0.2, 0.2]},
        finish={"blur_px": [0, 1], "noise": [0, 0.1]},
    )
    generator = make_generator(spec).eval()
    latents = torch.from_numpy(draw_latents(3, np.arange(6), LATENT_DIM, "uniform"))
    labels = torch.arange(6) % 2

    together = generator(latents, labels)

    alone = torch.cat([generator(latents[row : row + 1], labels[row : row + 1]) for row in range(6)])
    assert torch.equal(together, alone)
    assert (6, channels, 24, 24) == tuple(together.shape)
    assert together.abs().max() <= 1


def test_pixels_leave_the_generator_as_they_were_drawn():
    spec = make_spec(channels=3, finish={"noise": [0.2, 0.2]})

    images = make_generator(spec)(torch.zeros(1, LATENT_DIM), torch.tensor([0]))

    assert np.array_equal(draw_picture(spec, MIDDLE, 0), to_pixels(images)[0].numpy())


@pytest.mark.parametrize("value", [-1e9, -1.0, 1.0, 1e9])
def test_latents_at_and_beyond_the_ends_are_drawn(value):
    spec = make_spec({"text": ["a", "b", "c"]}, pen={"colours": ["#ffffff", "#cccccc"], "jitter": 0.5})

    picture = draw_picture(spec, np.full(LATENT_DIM, value, dtype=np.float32), 0)

    assert (24, 24, 1) == picture.shape


@pytest.mark.parametrize("shape", ["arrow", "circle", "cross", "heart", "star", "triangle"])
def test_outlines_stay_in_their_square(shape):
    outline = np.array(find_outline(shape))

    assert abs(outline).max() <= 1.0 + 1e-9
    assert abs(outline).max() > 0.8


def test_a_template_survives_the_way_through_its_manifest():
    spec = make_spec({"shape": "star"}, {"strokes": [[[0, 1], [0, -1]]]})
    generator = make_generator(spec)
    space = generator.space
    manifest = make_draft(
        architecture="template",
        hyperparameters={"rules": 1, "template": spec.model_dump(mode="json")},
        image=space.image,
        latent_dim=space.latent_dim,
        latent_prior="uniform",
        class_names=spec.class_names,
    )

    loaded = load_generator(manifest, dump_weights({"generator": generator}))

    latents, labels = torch.rand(4, LATENT_DIM) * 2 - 1, torch.arange(4) % 2
    assert torch.equal(generator(latents, labels), loaded(latents, labels))


def test_a_template_that_is_not_of_its_manifest_is_refused():
    config = TemplateConfig(template=make_spec())
    space = config.create_space()

    for other in (
        SampleSpace(space.image, 7, 1, "uniform"),
        SampleSpace(space.image, LATENT_DIM, 2, "uniform"),
        SampleSpace(space.image, LATENT_DIM, 1, "normal"),
    ):
        with pytest.raises(UnsupportedArchitectureError, match="template"):
            TemplateGenerator(config, other)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": 2},
        {"template": {}},
        {
            "template": {
                "image": {"height": 10**6, "width": 8, "channels": 1},
                "classes": [{"name": "a", "shape": "star"}],
            }
        },
        {"template": {"image": {"height": 8, "width": 8, "channels": 1}, "classes": []}},
        {
            "template": {
                "image": {"height": 8, "width": 8, "channels": 1},
                "classes": [{"name": "a", "shape": "/etc/passwd"}],
            }
        },
        {"command": "rm"},
    ],
    ids=["rules", "empty", "huge", "no class", "no such shape", "unknown key"],
)
def test_hostile_hyperparameters_are_refused(change):
    with pytest.raises(UnsupportedArchitectureError):
        find_architecture("template").parse({"template": make_spec().model_dump(mode="json")} | change)
