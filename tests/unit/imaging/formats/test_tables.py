import io
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from app.imaging.formats.table import Rows
from tests.contents import CLASS_NAMES, IMAGES, LABELS, make_contents, write_file

MANY = np.zeros((2500, 2, 2, 1), dtype=np.uint8)
MANY_LABELS = np.resize(LABELS, 2500)


def read_table(name: str, **options) -> pa.Table:
    file = io.BytesIO(write_file(name, **options))
    return ipc.open_stream(file).read_all() if name == "arrow" else parquet.read_table(file)


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_a_row_is_a_picture_its_class_and_its_index(name):
    table = read_table(name)

    assert ["image", "label", "index"] == table.column_names
    assert table.validate(full=True) is None
    assert LABELS.tolist() == table["label"].to_pylist()
    assert list(range(100, 110)) == table["index"].to_pylist()
    pictures = table["image"].to_pylist()
    assert "100.png" == pictures[0]["path"]
    assert [png for _, png in make_contents().encode(0, IMAGES, LABELS)] == [one["bytes"] for one in pictures]


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_the_schema_says_what_columns_mean_and_what_the_file_is(name):
    metadata = read_table(name).schema.metadata

    features = json.loads(metadata[b"huggingface"])["info"]["features"]
    assert {"_type": "Image"} == features["image"]
    assert {"_type": "ClassLabel", "names": CLASS_NAMES} == features["label"]
    assert make_contents().mark.encode() == metadata[b"fount"]


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_a_model_without_classes_has_no_label_column(name):
    table = read_table(name, labels=None)

    assert ["image", "index"] == table.column_names
    assert ["image", "index"] == list(json.loads(table.schema.metadata[b"huggingface"])["info"]["features"])


@pytest.mark.parametrize("split", [(2500,), (1, 999, 1500), (256,) * 9 + (196,)], ids=["one", "odd", "even"])
def test_record_batches_and_row_groups_do_not_hang_on_how_samples_came(split):
    options = {"images": MANY, "labels": MANY_LABELS, "split": split}

    batches = ipc.open_stream(io.BytesIO(write_file("arrow", **options)))
    groups = parquet.ParquetFile(io.BytesIO(write_file("parquet", **options))).metadata

    assert [256] * 9 + [196] == [batch.num_rows for batch in batches]
    assert [1024, 1024, 452] == [groups.row_group(number).num_rows for number in range(groups.num_row_groups)]


@pytest.mark.parametrize("count", [256, 512])
def test_no_empty_table_follows_a_full_one(count):
    batches = ipc.open_stream(io.BytesIO(write_file("arrow", images=MANY[:count], labels=MANY_LABELS[:count])))

    assert [256] * (count // 256) == [batch.num_rows for batch in batches]


@pytest.mark.parametrize(("side", "size"), [(1, 100), (10, 40), (100, 1)])
def test_tables_of_large_images_have_fewer_rows(side, size):
    contents = make_contents(np.zeros((1, side, side, 1), dtype=np.uint8), LABELS[:1])

    assert size == Rows(contents, max_rows=100, max_bytes=4000).size
