import pytest

from app.api.negotiation import choose_format
from app.core.errors import NotAcceptableError
from app.schemas.samples import SampleFormat


@pytest.mark.parametrize(
    ("accept", "num_samples", "expected"),
    [
        (None, 1, "png"),
        (None, 2, "zip"),
        ("", 1, "png"),
        ("*/*", 1, "png"),
        ("text/html, */*", 3, "zip"),
        ("image/*", 1, "png"),
        ("image/*", 2, "grid"),
        ("image/png", 2, "grid"),
        ("image/jpeg, image/png;q=0.9", 1, "jpeg"),
        ("image/png;q=0.1, image/webp;q=0.2", 1, "webp"),
        ("application/json", 1, "json"),
        ("*/*, image/png;q=0", 1, "jpeg"),
        ("image/png;q=0, image/*;q=0.5", 1, "jpeg"),
        ("application/x-npz;q=0.5;other=1, application/*;q=0.4", 2, "npz"),
        ("application/x-tar", 1, "tar"),
        ("application/vnd.safetensors, application/x-npz;q=0.5", 2, "safetensors"),
        ("application/vnd.apache.arrow.stream", 2, "arrow"),
        ("application/vnd.apache.parquet;q=0.9, application/jsonl;q=0.8", 2, "parquet"),
        ("application/jsonl", 2, "jsonl"),
        ("application/json", 2, "json"),
        ("application/*", 2, "zip"),
        ("IMAGE/PNG; Q=1.000", 1, "png"),
        ("image/png;q=broken", 1, "png"),
        ("text/html," * 63 + "image/webp", 1, "webp"),
    ],
)
def test_accept_chooses_what_the_caller_takes_best(accept, num_samples, expected):
    assert SampleFormat(expected) is choose_format(None, accept, num_samples)


def test_the_format_field_goes_before_accept():
    assert SampleFormat.NPY is choose_format(SampleFormat.NPY, "image/png", 1)


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", "image/gif", "image", "/", ",", "*;q=0", "png/image"])
def test_nothing_acceptable_is_an_error_that_lists_the_types(accept):
    with pytest.raises(NotAcceptableError) as caught:
        choose_format(None, accept, 1)

    assert "image/png" in caught.value.fields["media_types"]


def test_many_samples_are_never_one_image_file():
    with pytest.raises(NotAcceptableError):
        choose_format(None, "image/webp", 2)
