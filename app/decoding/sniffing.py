"""What a file is, by its first bytes alone: neither its name nor its content type is looked at."""

import enum

from app.core.errors import UndecodableImageError, UnsupportedImageError


class UploadFormat(enum.StrEnum):
    """Image files that are read."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    GIF = "gif"
    TIFF = "tiff"
    BMP = "bmp"


_PREFIXES = {
    b"\x89PNG\r\n\x1a\n": UploadFormat.PNG,
    b"\xff\xd8\xff": UploadFormat.JPEG,
    b"GIF87a": UploadFormat.GIF,
    b"GIF89a": UploadFormat.GIF,
    b"II*\0": UploadFormat.TIFF,
    b"MM\0*": UploadFormat.TIFF,
    b"BM": UploadFormat.BMP,
}
_RIFF, _WEBP_AT, _WEBP = b"RIFF", 8, b"WEBP"


def find_format(data: bytes) -> UploadFormat:
    """Tell the format of a file.

    Raises:
        UndecodableImageError: If the file is empty.
        UnsupportedImageError: If it is of another format.
    """
    if not data:
        raise UndecodableImageError("the file is empty")
    if data.startswith(_RIFF) and data.startswith(_WEBP, _WEBP_AT):
        return UploadFormat.WEBP
    for prefix, image_format in _PREFIXES.items():
        if data.startswith(prefix):
            return image_format
    raise UnsupportedImageError("by its first bytes, the file is none of PNG, JPEG, WebP, GIF, TIFF and BMP")
