"""Samples as rows with Hugging Face features, so that ``datasets`` knows what the columns mean.

Columns are built from buffers: the library would import pandas, where it is installed, to look at a list.
"""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from app.imaging.codec import Pixels
from app.imaging.formats.contents import NO_CLASS, Contents, Labels

IMAGE_TYPE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
MARK_KEY = "fount"


def make_schema(contents: Contents) -> pa.Schema:
    """Describe the columns ``image``, ``label`` (if there are classes) and ``index``, and say what the file holds."""
    fields = [pa.field("image", IMAGE_TYPE), pa.field("index", pa.int64())]
    features: dict[str, object] = {"image": {"_type": "Image"}, "index": {"dtype": "int64", "_type": "Value"}}
    if contents.class_names:
        fields.insert(1, pa.field("label", pa.int64()))
        features["label"] = {"names": list(contents.class_names), "_type": "ClassLabel"}
    ordered = {field.name: features[field.name] for field in fields}
    described = json.dumps({"info": {"features": ordered}}, ensure_ascii=False)
    return pa.schema(fields, metadata={"huggingface": described, MARK_KEY: contents.mark})


class Rows:
    """Gathers samples into tables of one size, however they come.

    Args:
        contents: What the file holds.
        max_rows: Most samples of one table.
        max_bytes: Most pixels of one table, in bytes, where a single sample has no more.
    """

    def __init__(self, contents: Contents, *, max_rows: int, max_bytes: int) -> None:
        self.size = max(1, min(max_rows, max_bytes // contents.shape.sample_bytes))
        self.schema = make_schema(contents)
        self._contents = contents
        self._files: list[bytes] = []
        self._labels: list[int] = []
        self._indices: list[int] = []
        self._numbers: list[int] = []

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> Iterator[pa.RecordBatch]:
        """Encode the next samples, and yield the tables that they fill."""
        for sample, png in self._contents.encode(offset, images, labels):
            self._files.append(png)
            self._indices.append(sample.index)
            self._numbers.append(sample.number)
            self._labels.append(NO_CLASS if sample.label is None else sample.label)
            if len(self._files) == self.size:
                yield self._take()

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Yield the samples that have not filled a table."""
        if self._files:
            yield self._take()

    def _take(self) -> pa.RecordBatch:
        paths = [b"%d.png" % number for number in self._numbers]
        parts = [_build_strings(pa.binary(), self._files), _build_strings(pa.string(), paths)]
        columns = [pa.StructArray.from_arrays(parts, fields=list(IMAGE_TYPE)), _build_numbers(self._indices)]
        if self._contents.class_names:
            columns.insert(1, _build_numbers(self._labels))
        self._files, self._labels, self._indices, self._numbers = [], [], [], []
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _build_numbers(numbers: list[int]) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(np.array(numbers, dtype=np.int64))])


def _build_strings(kind: pa.DataType, items: list[bytes]) -> pa.Array:
    ends = np.zeros(len(items) + 1, dtype=np.int32)
    np.cumsum([len(item) for item in items], out=ends[1:])
    return pa.Array.from_buffers(kind, len(items), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(items))])
