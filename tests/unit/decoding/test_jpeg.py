import io

import numpy as np
import pytest
from PIL import Image

from app.core.errors import UndecodableImageError
from app.decoding.geometry import turn_size
from app.decoding.jpeg import choose_scale, decode_jpeg
from app.decoding.messages import DecodeOptions
from app.decoding.reading import read_image
from app.decoding.sniffing import UploadFormat
from tests.pictures import encode, encode_image, make_image, make_pixels

AS_IT_IS = DecodeOptions()


def read(data, options=AS_IT_IS):
    return read_image(data, UploadFormat.JPEG, options, 2**20)


def open_jpeg(data):
    return Image.open(io.BytesIO(data), formats=["JPEG"])


def smooth(height, width):
    """Paint a picture that JPEG keeps well: each corner of its own."""
    down, right = np.mgrid[0:height, 0:width]
    return np.stack([down * 200 // height, right * 200 // width, np.full_like(down, 90)], axis=-1).astype(np.uint8)


def photograph(orientation, height=96, width=160):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(smooth(height, width), "JPEG", quality=95, exif=exif)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "colour"])
def test_pixels_are_those_of_pillow(channels, subsampling, options):
    data = encode(make_pixels(height=37, width=51, channels=channels), "JPEG", subsampling=subsampling, **options)

    pixels = decode_jpeg(open_jpeg(data), data, 1)

    assert np.array_equal(np.asarray(open_jpeg(data)).reshape(37, 51, channels), pixels)


def test_colours_that_are_stored_as_they_are_stay_so():
    data = encode(make_pixels(height=16, width=16), "JPEG", keep_rgb=True)

    assert np.array_equal(np.asarray(open_jpeg(data)), decode_jpeg(open_jpeg(data), data, 1))


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_part_of_the_size_is_that_of_pillow(scale):
    data = encode(make_pixels(height=120, width=200), "JPEG")
    image = open_jpeg(data)
    image.draft(None, (200 // scale, 120 // scale))

    assert np.array_equal(np.asarray(image), decode_jpeg(open_jpeg(data), data, scale))


def test_inks_are_left_to_pillow():
    data = encode_image(Image.new("CMYK", (8, 8)), "JPEG")

    assert decode_jpeg(open_jpeg(data), data, 1) is None


def test_a_file_that_is_cut_off_anywhere_is_refused():
    data = encode(smooth(32, 32), "JPEG")

    for length in range(4, len(data), 7):
        with pytest.raises(UndecodableImageError):
            read(data[:length])


def test_what_pillow_reads_although_it_is_not_quite_sound_is_read_as_before():
    data = encode(smooth(64, 64), "JPEG", restart_marker_rows=1)
    out_of_step = data.replace(b"\xff\xd1", b"\xff\xd2")

    assert decode_jpeg(open_jpeg(out_of_step), out_of_step, 1) is None
    assert np.array_equal(np.asarray(open_jpeg(out_of_step)), read(out_of_step).pixels)


@pytest.mark.parametrize(
    ("size", "enough", "scale"),
    [
        ((512, 512), (224, 224), 2),
        ((512, 512), (256, 256), 2),
        ((512, 512), (257, 256), 1),
        ((4000, 600), (75, 75), 8),
        ((4000, 600), (75, 76), 4),
        ((4000, 6000), (1, 1), 8),
        ((100, 100), (200, 200), 1),
    ],
)
def test_the_scale_leaves_both_sides_as_long_as_they_must_be(size, enough, scale):
    assert scale == choose_scale(size, enough)


@pytest.mark.parametrize("profile", [b"", b"junk"], ids=["plain", "profile"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_decoded_at_a_part_of_its_upright_size(orientation, profile):
    data = photograph(orientation)
    data = (
        data
        if not profile
        else encode_image(open_jpeg(data), "JPEG", icc_profile=profile, exif=open_jpeg(data).getexif(), quality=95)
    )
    upright = turn_size((96, 160), orientation)

    whole, part = read(data), read(data, DecodeOptions(scale_to=(upright[0] // 4, upright[1] // 5)))

    assert (1, upright, upright) == (whole.scale, whole.full_size, whole.pixels.shape[:2])
    assert (4, upright, (upright[0] // 4, upright[1] // 4)) == (part.scale, part.full_size, part.pixels.shape[:2])
    assert orientation == part.orientation
    small = np.asarray(make_image(whole.pixels).reduce(4)).astype(int)
    assert np.abs(small - part.pixels).max() <= 4


def test_grey_from_colours_is_that_of_pillow_at_any_scale():
    data = encode(smooth(64, 64), "JPEG")

    image = read(data, DecodeOptions(alpha="drop", channels=1, scale_to=(32, 32)))

    draft = open_jpeg(data)
    draft.draft(None, (32, 32))
    assert np.array_equal(np.asarray(draft.convert("L"))[:, :, None], image.pixels)
    assert 2 == image.scale


def test_other_formats_are_read_at_their_size():
    image = read_image(encode(smooth(64, 64)), UploadFormat.PNG, DecodeOptions(scale_to=(8, 8)), 2**20)

    assert (1, (64, 64)) == (image.scale, image.pixels.shape[:2])


def test_a_picture_is_fitted_or_scaled_and_not_both():
    with pytest.raises(ValueError, match="both"):
        DecodeOptions(image_size=(8, 8), scale_to=(8, 8))


def test_what_an_encoder_is_shown_is_made_by_pillow_alone(monkeypatch):
    data = photograph(6)
    monkeypatch.setattr("app.decoding.reading.decode_jpeg", None)

    image = read(data, DecodeOptions(alpha="composite", channels=3, image_size=(16, 16)))

    assert ((16, 16, 3), 1, (160, 96)) == (image.pixels.shape, image.scale, image.full_size)
