"""A dataset as Croissant: metadata that loaders and search engines of datasets read.

Source:
    MLCommons Croissant format specification 1.0.
"""

from typing import Any

from app import __version__
from app.api.datasets.dataset import Dataset
from app.imaging.mark import DIGITAL_SOURCE_TYPE
from app.schemas.samples import SampleFormat

PARQUET = "application/x-parquet"
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def write_croissant(dataset: Dataset, base_url: str) -> dict[str, Any]:
    """Write the metadata: a file and a set of records per shard, as Parquet.

    No file has a checksum, which would take computing all of them; so the dataset is told as a live one, where the
    format asks for none.

    Args:
        dataset: The dataset.
        base_url: Where the caller finds the service, without a slash at the end.
    """
    recipe = dataset.recipe
    shards = range(dataset.assignment.num_shards)
    models = ", ".join(dict.fromkeys(block.reference for block in recipe.blocks))
    names = [split.name for split in recipe.splits]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "synthetic-images",
        "description": f"{recipe.num_samples} synthetic images made by {models}; splits: {', '.join(names)}. "
        f"Digital source type: {DIGITAL_SOURCE_TYPE}.",
        "url": f"{base_url}/v1/datasets/{dataset.token}",
        "version": "1.0.0",
        "isLiveDataset": True,
        "creator": {"@type": "sc:Organization", "name": f"Fount {__version__}"},
        "keywords": ["synthetic", *models.split(", ")],
        "rai:dataCollection": "Computed by trained generators from seeds; every image is synthetic.",
        "distribution": [_describe_file(dataset, shard, base_url) for shard in shards],
        "recordSet": [_describe_records(dataset, shard) for shard in shards],
    }


def _describe_file(dataset: Dataset, shard: int, base_url: str) -> dict[str, Any]:
    name = dataset.shard_name(shard)
    return {
        "@type": "cr:FileObject",
        "@id": f"{name}.parquet",
        "name": f"{name}.parquet",
        "contentUrl": f"{base_url}{dataset.shard_url(shard, SampleFormat.PARQUET)}",
        "encodingFormat": PARQUET,
    }


def _describe_records(dataset: Dataset, shard: int) -> dict[str, Any]:
    name = dataset.shard_name(shard)
    num_samples = dataset.assignment.locate(shard).num_samples
    image = _describe_field(name, "image", "sc:ImageObject")
    image["source"]["transform"] = {"jsonPath": "bytes"}
    fields = [image]
    if dataset.class_names:
        fields.append(_describe_field(name, "label", "sc:Integer"))
    fields.append(_describe_field(name, "index", "sc:Integer"))
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{num_samples} images.",
        "field": fields,
    }


def _describe_field(records: str, column: str, data_type: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{column}",
        "name": column,
        "dataType": data_type,
        "source": {"fileObject": {"@id": f"{records}.parquet"}, "extract": {"column": column}},
    }
