"""JSON Lines: one line per sample, with its index, its class and its PNG file as base64."""

import base64
import json
from collections.abc import Iterator

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels


class JsonlWriter:
    """Writes lines as samples come; each image says that it is synthetic."""

    content_length = None

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._names: dict[str | None, str] = {}

    def begin(self) -> Iterator[bytes]:
        """Yield nothing: the file begins with its first sample."""
        yield from ()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the lines of the next samples."""
        lines = []
        for sample, png in self._contents.encode(offset, images, labels):
            name = self._names.get(sample.class_name)
            if name is None:
                name = self._names[sample.class_name] = json.dumps(sample.class_name, ensure_ascii=False)
            file = base64.b64encode(png).decode("ascii")
            lines.append(f'{{"index":{sample.index},"class_label":{name},"png":"{file}"}}\n')
        return "".join(lines).encode()

    def finish(self) -> Iterator[bytes]:
        """Yield nothing: the file ends with its last line."""
        yield from ()
