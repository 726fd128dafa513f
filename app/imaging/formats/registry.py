"""Every format of samples: its media type, and what writes it. The one place to enter a new one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TypeAlias

from app.imaging.codec import ENCODING, ImageFormat, Pixels
from app.imaging.formats.contents import Contents
from app.imaging.formats.jsonl import JsonlWriter
from app.imaging.formats.npy import NpyWriter
from app.imaging.formats.npz import NpzWriter
from app.imaging.formats.safetensors import SafetensorsWriter
from app.imaging.formats.tar import TarWriter
from app.imaging.formats.whole import encode_json, encode_one, encode_sheet
from app.imaging.formats.writer import SampleWriter
from app.imaging.formats.zip import ZipWriter
from app.schemas.samples import SampleFormat


@dataclass(frozen=True, slots=True)
class Whole:
    """A format that needs all samples at once.

    Attributes:
        media_type: Its name over HTTP.
        encode: Makes the file from all pixels, shape (n, h, w, c).
        holds_one: Whether it has room for one sample only.
    """

    media_type: str
    encode: Callable[[Contents, Pixels], bytes]
    holds_one: bool = False
    library: None = None


@dataclass(frozen=True, slots=True)
class Streamed:
    """A format that is written piece by piece.

    Attributes:
        media_type: Its name over HTTP.
        open: Begins a file.
        library: Distribution that its bytes hang on, if any; imported by the first ``open``, which takes long then.
    """

    media_type: str
    open: Callable[[Contents], SampleWriter]
    library: str | None = None
    holds_one: bool = False


Format: TypeAlias = Whole | Streamed


def _open_arrow(contents: Contents) -> SampleWriter:
    from app.imaging.formats.arrow import ArrowWriter  # noqa: PLC0415 - a large library, for those who ask for it

    return ArrowWriter(contents)


def _open_parquet(contents: Contents) -> SampleWriter:
    from app.imaging.formats.parquet import ParquetWriter  # noqa: PLC0415 - as above

    return ParquetWriter(contents)


# In the order of preference where a caller takes several equally.
FORMATS: Mapping[SampleFormat, Format] = {
    SampleFormat.PNG: Whole("image/png", encode_one(ImageFormat.PNG), holds_one=True),
    SampleFormat.JPEG: Whole("image/jpeg", encode_one(ImageFormat.JPEG), holds_one=True),
    SampleFormat.WEBP: Whole("image/webp", encode_one(ImageFormat.WEBP), holds_one=True),
    SampleFormat.ZIP: Streamed("application/zip", ZipWriter),
    SampleFormat.TAR: Streamed("application/x-tar", TarWriter),
    SampleFormat.NPZ: Streamed("application/x-npz", NpzWriter),
    SampleFormat.NPY: Streamed("application/x-npy", NpyWriter),
    SampleFormat.SAFETENSORS: Streamed("application/vnd.safetensors", SafetensorsWriter),
    SampleFormat.ARROW: Streamed("application/vnd.apache.arrow.stream", _open_arrow, library="pyarrow"),
    SampleFormat.PARQUET: Streamed("application/vnd.apache.parquet", _open_parquet, library="pyarrow"),
    SampleFormat.JSONL: Streamed("application/jsonl", JsonlWriter),
    SampleFormat.JSON: Whole("application/json", encode_json),
    SampleFormat.GRID: Whole("image/png", encode_sheet),
}


@cache
def name_encoding(sample_format: SampleFormat) -> str:
    """Name all that the bytes of a file are a function of beside its samples; part of entity tags."""
    library = FORMATS[sample_format].library
    return f"{ENCODING}/{library}-{version(library)}" if library else ENCODING
