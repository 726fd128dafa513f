import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from app.core.errors import (
    AnimatedImageError,
    ImageTooLargeError,
    UndecodableImageError,
    UnsupportedImageError,
)
from app.decoding.messages import DecodeOptions
from app.decoding.reading import read_image
from app.decoding.sniffing import UploadFormat, find_format
from tests.pictures import encode, encode_image, make_image, make_pixels

RGB = make_pixels(height=6, width=8)
GREY = make_pixels(height=6, width=8, channels=1)
WIDE = np.array([[0, 257, 4095, 65535]], np.uint16)
MAX_PIXELS = 4096
AS_IT_IS = DecodeOptions()


def read(data, options=AS_IT_IS, *, max_pixels=MAX_PIXELS):
    return read_image(data, find_format(data), options, max_pixels)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claim_size(width, height):
    """Write a PNG that is small, and says to be of another size."""
    data = encode(GREY)
    return data[:8] + chunk(b"IHDR", struct.pack(">II5B", width, height, 8, 0, 0, 0, 0)) + data[33:]


def as_tiff(image, **options):
    return encode_image(image, "TIFF", **options)


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("pixels", [RGB, GREY], ids=["colour", "grey"])
def test_lossless_formats_keep_every_pixel(image_format, pixels):
    options = {"lossless": True} if image_format == "WEBP" else {}

    image = read(encode(pixels, image_format, **options))

    expected = np.repeat(GREY, 3, axis=2) if image_format == "WEBP" and pixels is GREY else pixels
    assert np.array_equal(expected, image.pixels)
    assert (np.uint8, 1, False) == (image.pixels.dtype, image.orientation, image.had_icc)


def test_a_jpeg_comes_close():
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)

    assert np.abs(read(encode(smooth, "JPEG", quality=95)).pixels.astype(int) - smooth).max() <= 3


def test_palettes_are_expanded():
    image = read(encode_image(make_image(RGB).quantize(4), "GIF"))

    assert ("P", 3) == (image.mode, image.pixels.shape[2])


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_sixteen_bits_stay_sixteen(image_format):
    image = read(encode_image(Image.fromarray(WIDE), image_format))

    assert (np.uint16, WIDE.tolist()) == (image.pixels.dtype, image.pixels[:, :, 0].tolist())


@pytest.mark.parametrize("options", [{"channels": 1}, {"channels": 3}], ids=str)
def test_sixteen_bits_are_rounded_where_eight_are_asked_for(options):
    image = read(encode_image(Image.fromarray(WIDE)), DecodeOptions(alpha="drop", **options))

    assert (np.uint8, [0, 1, 16, 255]) == (image.pixels.dtype, image.pixels[0, :, 0].tolist())


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(np.array([[-1]], np.int32)),
        Image.fromarray(np.array([[2**17]], np.int32)),
        Image.new("F", (1, 1)),
    ],
    ids=["negative", "beyond", "float"],
)
def test_pixels_that_sixteen_bits_do_not_hold_are_not_read(image):
    with pytest.raises(UnsupportedImageError, match="16 bits"):
        read(as_tiff(image))


def test_whole_numbers_that_sixteen_bits_hold_are_read():
    assert [[0], [65535]] == read(as_tiff(Image.fromarray(np.array([[0, 65535]], np.int32)))).pixels[0].tolist()


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
def test_other_colour_spaces_become_rgb(mode):
    image = read(as_tiff(Image.new(mode, (2, 2))))

    assert (mode, 3) == (image.mode, image.pixels.shape[2])


@pytest.mark.parametrize("image_format", ["JPEG", "TIFF"])
def test_inks_become_light(image_format):
    image = read(encode_image(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), image_format))

    assert "CMYK" == image.mode
    assert np.abs(image.pixels[0, 0].astype(int) - (0, 255, 255)).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_a_turned_photograph_stands_upright_and_says_how_it_was_turned(orientation, image_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.zeros((16, 32, 3), np.uint8)
    corner[:8, :8] = 255

    image = read(encode(corner, image_format, exif=exif))

    rows, columns = np.nonzero(image.pixels[:, :, 0] > 128)
    expected = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "tl", 6: "tr", 7: "br", 8: "bl"}[orientation]
    height, width, _ = image.pixels.shape
    assert ((16, 32) if orientation < 5 else (32, 16)) == (height, width)
    assert ("t" if rows.mean() < height / 2 else "b") + ("l" if columns.mean() < width / 2 else "r") == expected
    assert orientation == image.orientation


def test_an_exif_block_of_nonsense_turns_nothing():
    image = read(encode(RGB, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))

    assert (1, True) == (image.orientation, np.array_equal(RGB, image.pixels))


def test_transparency_is_kept_dropped_or_put_on_a_colour():
    data = encode_image(Image.new("RGBA", (2, 2), (200, 100, 50, 0)))

    kept, dropped = read(data), read(data, DecodeOptions(alpha="drop"))
    on_white = read(data, DecodeOptions(alpha="composite"))
    on_red = read(data, DecodeOptions(alpha="composite", background=(255, 0, 0)))

    assert [200, 100, 50, 0] == kept.pixels[0, 0].tolist()
    assert [200, 100, 50] == dropped.pixels[0, 0].tolist()
    assert ([255, 255, 255], [255, 0, 0]) == (on_white.pixels[0, 0].tolist(), on_red.pixels[0, 0].tolist())


def test_grey_with_transparency_stays_grey_on_grey():
    data = encode_image(Image.new("LA", (2, 2), (200, 0)))

    assert [200, 0] == read(data).pixels[0, 0].tolist()
    assert [9] == read(data, DecodeOptions(alpha="composite", background=(9, 9, 9))).pixels[0, 0].tolist()
    assert [9, 0, 0] == read(data, DecodeOptions(alpha="composite", background=(9, 0, 0))).pixels[0, 0].tolist()


@pytest.mark.parametrize(
    ("mode", "transparency", "channels"),
    [("1", 0, 2), ("L", 0, 2), ("RGB", (0, 0, 0), 4), ("P", 0, 4)],
)
def test_one_transparent_colour_is_transparency(mode, transparency, channels):
    image = read(encode_image(Image.new(mode, (2, 2), 0), transparency=transparency))

    assert channels == image.pixels.shape[2]
    assert 0 == image.pixels[0, 0, -1]


def test_a_number_of_channels_goes_with_no_transparency():
    with pytest.raises(ValueError, match="room"):
        DecodeOptions(channels=3)


def make_profile(**names):
    """Write the profile of sRGB with tags of other names: another colour space."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in names.items():
        data = data.replace(old.encode(), new.encode())
    return data


def swap_profile():
    """Write a profile in which red and green have changed places."""
    return make_profile(rXYZ="tXYZ", gXYZ="rXYZ", tXYZ="gXYZ")


def grey_profile():
    """Write a profile of grey with the curve of sRGB."""
    data = make_profile(rTRC="kTRC")
    return data[:16] + b"GRAY" + data[20:]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_are_converted_by_their_profile_unless_asked_not_to_be(mode):
    plain = Image.new(mode, (4, 4), (200, 60, 20))
    data = encode_image(plain, icc_profile=swap_profile())

    converted, left = read(data), read(data, DecodeOptions(icc="ignore"))

    assert [200, 60, 20] == left.pixels[0, 0, :3].tolist()
    assert [60, 200, 20] == [round(value, -1) if value > 50 else 20 for value in converted.pixels[0, 0, :3].tolist()]
    assert converted.had_icc
    assert left.had_icc


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_with_a_profile_of_grey_stays_grey(mode):
    image = read(encode_image(Image.new(mode, (4, 4), 77), icc_profile=grey_profile()))

    assert len(mode) == image.pixels.shape[2]
    assert abs(int(image.pixels[0, 0, 0]) - 77) <= 1


@pytest.mark.parametrize("profile", [b"no profile", swap_profile()[:200], make_profile()], ids=["junk", "cut", "rgb"])
@pytest.mark.parametrize("mode", ["L", "LA", "CMYK"])
def test_a_profile_that_does_not_fit_is_taken_for_none(profile, mode):
    data = as_tiff(Image.new(mode, (4, 4), 77), icc_profile=profile)

    image = read(data)

    assert np.array_equal(read(as_tiff(Image.new(mode, (4, 4), 77))).pixels, image.pixels)
    assert image.had_icc


def test_an_animation_is_refused_or_gives_its_first_picture():
    frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
    for image_format in ("GIF", "WEBP", "PNG", "TIFF"):
        options = {"lossless": True} if image_format == "WEBP" else {}
        data = encode_image(frames[0], image_format, save_all=True, append_images=frames[1:], **options)

        with pytest.raises(AnimatedImageError, match="several"):
            read(data)
        assert {10} == set(read(data, DecodeOptions(animation="first")).pixels[:, :, 0].ravel().tolist())


@pytest.mark.parametrize("image_format", list(UploadFormat))
def test_a_file_that_is_cut_off_is_refused(image_format):
    data = encode(make_pixels(height=32, width=32), image_format.upper())

    for length in (len(data) // 2, 20, 12):
        with pytest.raises(UndecodableImageError, match="damaged"):
            read(data[:length])


@pytest.mark.parametrize("image_format", list(UploadFormat))
def test_noise_behind_a_good_beginning_gives_pixels_or_is_refused(image_format):
    data = encode(make_pixels(height=16, width=16), image_format.upper())
    rng = np.random.default_rng(0)
    outcomes = set()

    for _ in range(40):
        noisy = np.frombuffer(data, np.uint8).copy()
        noisy[rng.integers(12, len(noisy), 12)] = rng.integers(0, 256, 12)
        try:
            outcomes.add(read(noisy.tobytes()).pixels.dtype.kind)
        except (UndecodableImageError, ImageTooLargeError):
            outcomes.add("refused")

    assert {"u", "refused"} >= outcomes


@pytest.mark.parametrize(("width", "height"), [(65, 64), (2**31 - 1, 2**31 - 1), (1, 4097)])
def test_a_bomb_is_refused_by_its_header(width, height):
    with pytest.raises(ImageTooLargeError, match="at most 4096 pixels") as caught:
        read(claim_size(width, height))

    assert {"limit": MAX_PIXELS} == caught.value.fields


def test_a_webp_bomb_is_refused_before_its_canvas_is_made(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", MAX_PIXELS // 2)

    with pytest.raises(ImageTooLargeError):
        read(encode(make_pixels(height=65, width=64), "WEBP"))


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (0, 0)])
def test_a_picture_without_pixels_is_none(width, height):
    with pytest.raises(UndecodableImageError):
        read(claim_size(width, height))


def test_memory_that_does_not_suffice_is_said_to_be_a_size(monkeypatch):
    def fail(image):
        raise MemoryError

    monkeypatch.setattr("app.decoding.reading.PngImageFile.load", fail)

    with pytest.raises(ImageTooLargeError, match="memory"):
        read(encode(RGB))


def test_a_picture_is_fitted_to_a_size():
    fitted = read(encode(RGB), DecodeOptions(alpha="drop", channels=1, image_size=(5, 4)))

    assert (5, 4, 1) == fitted.pixels.shape


def test_what_is_wrong_is_told_without_the_codecs_words():
    with pytest.raises(UndecodableImageError) as caught:
        read(encode(RGB)[:40])

    assert "the file is damaged or cut off, and cannot be decoded" == caught.value.detail
    assert caught.value.__suppress_context__
