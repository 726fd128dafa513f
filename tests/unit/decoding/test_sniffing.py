import pytest

from app.core.errors import UndecodableImageError, UnsupportedImageError
from app.decoding.sniffing import UploadFormat, find_format
from tests.pictures import encode, make_pixels


@pytest.mark.parametrize("image_format", list(UploadFormat))
def test_every_format_is_known_by_its_first_bytes(image_format):
    assert image_format is find_format(encode(make_pixels(), image_format.upper()))


def test_big_endian_tiff_is_tiff():
    assert UploadFormat.TIFF is find_format(b"MM\0*....")


@pytest.mark.parametrize(
    "data", [b"x", b"RIFF1234WAVE", b"%PDF-1.7", b"<svg/>", b"PK\3\4", b"\0\0\0\x1cftypavif", b"8BPS"], ids=repr
)
def test_other_files_are_not_read(data):
    with pytest.raises(UnsupportedImageError, match="first bytes"):
        find_format(data)


def test_an_empty_file_is_said_to_be_empty():
    with pytest.raises(UndecodableImageError, match="empty"):
        find_format(b"")
