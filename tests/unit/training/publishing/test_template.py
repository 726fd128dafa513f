import pytest

from app.core.errors import RecipeError
from app.generators.registry import find_architecture
from app.repository.store import ModelRepository
from app.training.publishing.template import (
    list_templates,
    load_template,
    parse_template,
    publish_template,
    read_template,
)

IMAGE = {"height": 16, "width": 16, "channels": 1}


def make_document(**changes):
    return {"image": IMAGE, "classes": [{"name": "dot", "shape": "circle"}]} | changes


def make_class(**changes):
    return {"classes": [{"name": "dot"} | changes]}


@pytest.mark.parametrize("name", list_templates())
def test_templates_that_come_with_fount_draw_every_class(name):
    generator = load_template(name)

    assert generator.num_classes >= 8
    assert generator.spec.description


def test_the_pen_of_the_template_fills_in_the_pens_of_classes():
    classes = [{"name": "a", "shape": "star", "pen": {"size": [0.3, 0.4]}}, {"name": "b", "shape": "line"}]

    spec = parse_template(make_document(pen={"size": [0.6, 0.7], "jitter": 0.2}, classes=classes)).template

    assert [[0.3, 0.4], [0.6, 0.7]] == [drawn.pen.size for drawn in spec.classes]
    assert [0.2, 0.2] == [drawn.pen.jitter for drawn in spec.classes]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "image"),
        (make_document(image=IMAGE | {"height": 4}), "image.height"),
        (make_document(image=IMAGE | {"height": "16"}), "image.height"),
        (make_document(classes=[]), "classes"),
        (make_document(classes={}), "classes"),
        (make_document(classes=["circle"]), "classes.0"),
        (make_document(pen=3), "pen"),
        (make_document(pen={"size": [0.9, 0.2]}), "lower end"),
        (make_document(pen={"size": [0.0, 9.0]}), "from 0.02 to 2"),
        (make_document(pen={"size": [0.5]}), "size"),
        (make_document(pen={"size": [float("nan"), 1.0]}), "size"),
        (make_document(pen={"colours": ["red"]}), "colours"),
        (make_document(pen={"font": "/etc/passwd"}), "font"),
        (make_document(**make_class()), "exactly one"),
        (make_document(**make_class(shape="star", text=["a"])), "exactly one"),
        (make_document(**make_class(text=["a" * 9])), "text"),
        (make_document(**make_class(text=["a\n"])), "text"),
        (make_document(**make_class(strokes=[[[0, 0]]])), "strokes"),
        (make_document(**make_class(strokes=[[[0, 0], [0, 7]]])), "strokes"),
        (make_document(**make_class(strokes=[[[0, 0], [1, 1]]] * 65)), "strokes"),
        (make_document(**make_class(name="\x1b[2J", shape="star")), "name"),
        (make_document(classes=[{"name": "a", "shape": "star"}] * 2), "differ"),
        (make_document(classes=[{"name": str(n), "shape": "star"} for n in range(501)]), "classes"),
    ],
    ids=str,
)
def test_bad_templates_are_refused_by_naming_what_is_wrong(document, words):
    with pytest.raises(RecipeError, match=words):
        parse_template(document)


def test_files_that_are_no_templates_are_refused(tmp_path):
    broken, large, binary = (tmp_path / f"{name}.toml" for name in ("broken", "large", "binary"))
    broken.write_text("[image")
    large.write_text("#" * 2**19)
    binary.write_bytes(b"\xff\xfe")

    for path, words in ((broken, "not TOML"), (large, "larger"), (binary, "UTF-8"), (tmp_path, "no template")):
        with pytest.raises(RecipeError, match=words):
            load_template(str(path))


def test_a_template_is_published_like_any_model(tmp_path):
    path = tmp_path / "dots.toml"
    path.write_text(
        'license = "mit"\n[image]\nheight = 16\nwidth = 16\nchannels = 1\n[[classes]]\nname = "dot"\nshape = "circle"\n'
    )
    repository = ModelRepository(str(tmp_path / "models"))

    published = publish_template(repository, "dots", load_template(str(path)))

    manifest = repository.read_manifest("dots", 1)
    assert published == manifest
    assert ("template", "uniform", ["dot"]) == (manifest.architecture, manifest.latent_prior, manifest.class_names)
    assert 0 == manifest.training.dataset.num_images
    assert "mit" == manifest.license
    assert repository.check("dots", 1).error is None
    assert "nothing was trained" in repository.read_file("dots", 1, "README.md").decode()
    find_architecture("template").parse(manifest.hyperparameters)


def test_a_template_can_be_printed_to_be_changed():
    text = read_template("shapes")

    assert "[[classes]]" in text
