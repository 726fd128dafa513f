"""Small pictures, and the containers that training data comes in."""

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def make_pixels(*, height: int = 6, width: int = 8, channels: int = 3, seed: int = 0):
    """Draw noise (H, W, C) that no two seeds share."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def make_image(pixels) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def encode(pixels, image_format: str = "PNG", **options) -> bytes:
    return encode_image(make_image(pixels), image_format, **options)


def encode_image(image: Image.Image, image_format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def make_files(names: list[str], **shape: int) -> dict[str, bytes]:
    """Make one PNG per name, each with pixels of its own."""
    return {name: encode(make_pixels(seed=seed, **shape)) for seed, name in enumerate(names)}


def write_folder(root: Path, files: Mapping[str, bytes]) -> str:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return str(root)


def write_zip(path: Path, files: Mapping[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(path)


def write_tar(path: Path, files: Mapping[str, bytes]) -> str:
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return str(path)


def idx_bytes(values) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def write_idx(path: Path, values) -> str:
    data = idx_bytes(values)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)
