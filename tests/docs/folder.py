"""The folder that the blocks of a page run in: pictures, commands, variables."""

import os
import sys
from pathlib import Path

from tests.docs.pages import ROOT
from tests.pictures import encode, make_files, make_pixels, write_folder

INHERITED = os.environ  # noqa: TID251 - a shell needs PATH and the rest
FOUNT = f'#!/bin/sh\nexec "{sys.executable}" -m app "$@"\n'
CURL_OPTIONS = "fail-with-body\nsilent\nshow-error\nnoproxy = *\n"
PICTURES = {"cat.png": 3, "dog.png": 3, "mask.png": 1, "photo.png": 3}


def prepare(folder: Path, models: Path) -> dict[str, str]:
    """Put into a folder what pages suppose that a reader has; returns the environment of their commands."""
    for seed, (name, channels) in enumerate(PICTURES.items()):
        (folder / name).write_bytes(encode(make_pixels(height=40, width=48, channels=channels, seed=seed)))
    for where in ("my-images", "photos"):
        write_folder(folder / where, make_files(["cats/a.png", "cats/b.png", "cats/c.png", "dogs/a.png"], height=16))
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name, text in {"fount": FOUNT, "python": FOUNT.replace(" -m app", "")}.items():
        (commands / name).write_text(text, encoding="utf-8")
        (commands / name).chmod(0o755)
    (folder / ".curlrc").write_text(CURL_OPTIONS, encoding="utf-8")
    return {
        **{name: value for name, value in INHERITED.items() if not name.startswith("FOUNT_")},
        "PATH": f"{commands}:{INHERITED['PATH']}",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "FOUNT_REPOSITORY__URL": str(models),
        "KEY": "not-needed",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
        "no_proxy": "*",
    }
