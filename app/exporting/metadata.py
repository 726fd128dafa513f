"""What lies beside the shards of an export: its description, a dataset card, and Croissant with checksums."""

import json
from collections.abc import Mapping
from typing import Any

from app.api.datasets.croissant import PARQUET, write_croissant
from app.api.datasets.dataset import Dataset
from app.api.datasets.description import describe_dataset, write_card
from app.exporting.state import ShardFile
from app.imaging.formats.registry import FORMATS
from app.schemas.samples import SampleFormat

DESCRIPTION_FILE = "dataset.json"
CARD_FILE = "README.md"
CROISSANT_FILE = "croissant.json"

_FOLDER_USAGE = 'from datasets import load_dataset\n\ndataset = load_dataset(".")'
_ARRAYS_USAGE = 'import numpy\n\nimages = numpy.load("{}")["images"]'


def write_metadata(dataset: Dataset, sample_format: SampleFormat, shards: Mapping[str, ShardFile]) -> dict[str, bytes]:
    """Write the files that describe an export.

    Args:
        dataset: The dataset.
        sample_format: What its shards are here.
        shards: All of them by file name, in order.

    Returns:
        Files by name.
    """
    is_arrays = sample_format is SampleFormat.NPZ
    usage = _ARRAYS_USAGE.format(next(iter(shards))) if is_arrays else _FOLDER_USAGE
    description = describe_dataset(dataset, "").model_copy(
        update={
            "shards": list(shards),
            "format": sample_format,
            "croissant": CROISSANT_FILE,
            "card": CARD_FILE,
            "usage": {"python": usage},
        }
    )
    return {
        DESCRIPTION_FILE: _dump(description.model_dump(mode="json")),
        CARD_FILE: write_card(dataset, usage, sample_format).encode(),
        CROISSANT_FILE: _dump(_write_croissant(dataset, sample_format, shards)),
    }


def _write_croissant(dataset: Dataset, sample_format: SampleFormat, shards: Mapping[str, ShardFile]) -> dict[str, Any]:
    """Write what the service does, of files that have been computed: each has its checksum, and nothing is live."""
    document = write_croissant(dataset, "")
    del document["isLiveDataset"]
    document["distribution"] = [_describe_file(name, shard, sample_format) for name, shard in shards.items()]
    if sample_format is not SampleFormat.PARQUET:
        document["recordSet"] = []  # the format has no words for records in the others
    return document


def _describe_file(name: str, shard: ShardFile, sample_format: SampleFormat) -> dict[str, Any]:
    is_table = sample_format is SampleFormat.PARQUET
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{shard.num_bytes} B",
        "encodingFormat": PARQUET if is_table else FORMATS[sample_format].media_type,
        "sha256": shard.sha256,
    }


def _dump(document: Any) -> bytes:
    return f"{json.dumps(document, ensure_ascii=False, indent=1)}\n".encode()
