"""JSON Lines: one line per sample, with its index, its class and its PNG file as base64."""

import base64
from collections.abc import Iterator

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels


class JsonlWriter:
    """Writes lines as samples come; each image says that it is synthetic."""

    content_length = None

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def begin(self) -> Iterator[bytes]:
        """Yield nothing: the file begins with its first sample."""
        yield from ()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the lines of the next samples."""
        lines = []
        for sample, png in self._contents.encode(offset, images, labels):
            name = self._contents.quote(sample.class_name)
            file = base64.b64encode(png).decode("ascii")
            lines.append(f'{{"index":{sample.index},"class_label":{name},"png":"{file}"}}\n')
        return "".join(lines).encode()

    def finish(self) -> Iterator[bytes]:
        """Yield nothing: the file ends with its last line."""
        yield from ()
