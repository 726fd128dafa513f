"""A dataset in words: the JSON about it, and its Hugging Face card."""

import json
from collections.abc import Iterator
from typing import Any

from app import __version__
from app.api.datasets.dataset import Dataset
from app.imaging.mark import DIGITAL_SOURCE_TYPE
from app.schemas.datasets import DatasetAnswer, DatasetSource, DatasetSplit
from app.schemas.samples import SampleFormat
from app.serving.plan import SamplePlan

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGER = "1M<n<10M"
_TABLES = (SampleFormat.PARQUET, SampleFormat.ARROW)


def describe_dataset(dataset: Dataset, base_url: str) -> DatasetAnswer:
    """Say all about a dataset.

    Args:
        dataset: The dataset.
        base_url: Where the caller finds the service, without a slash at the end.
    """
    recipe, assignment = dataset.recipe, dataset.assignment
    shards = range(assignment.num_shards)
    return DatasetAnswer(
        token=dataset.token,
        num_samples=recipe.num_samples,
        num_shards=assignment.num_shards,
        shard_size=recipe.shard_size,
        shards=[dataset.shard_url(shard, recipe.format) for shard in shards],
        shard_samples=[assignment.locate(shard).num_samples for shard in shards],
        splits=_list_splits(dataset),
        format=recipe.format,
        formats=dataset.formats,
        class_names=dataset.class_names,
        samples=list(_list_sources(dataset)),
        croissant=f"/v1/datasets/{dataset.token}/croissant.json",
        card=f"/v1/datasets/{dataset.token}/README.md",
        usage=explain_usage(dataset, base_url),
    )


def write_card(dataset: Dataset, usage: str, sample_format: SampleFormat = SampleFormat.PARQUET) -> str:
    """Write the card of a dataset, with the metadata that Hugging Face reads.

    Args:
        dataset: The dataset.
        usage: How to load it, in Python.
        sample_format: What the shards are that lie beside the card.
    """
    recipe = dataset.recipe
    sources = "\n".join(
        f"- {source.num_samples:,} samples of `{source.model}` (digest `{source.digest}`), seed {source.seed}"
        f"{_tell_augmented(source)}"
        for source in _list_sources(dataset)
    )
    splits = "\n".join(f"| {name} | {split.num_samples:,} |" for name, split in _list_splits(dataset).items())
    return f"""---
{"".join(_write_metadata(dataset, sample_format))}---

# {recipe.num_samples:,} synthetic images

Every image was made by a trained generator and says so itself (`{DIGITAL_SOURCE_TYPE}`); none shows anything real.

{sources}

| split | samples |
|---|---|
{splits}

The dataset is a recipe, and its address holds all of it: a shard is computed when it is asked for, and is the same
bytes each time. Written by Fount {__version__}.

```python
{usage}
```
"""


def _tell_augmented(source: DatasetSource) -> str:
    if source.augment is None:
        return ""
    preset = f" `{source.augment['preset']}`" if "preset" in source.augment else ""
    return f", augmented by the policy{preset} (digest `{source.augment['policy']}`)"


def explain_usage(dataset: Dataset, base_url: str) -> dict[str, str]:
    """Say how to load a dataset from the service in Python, by library.

    Args:
        dataset: The dataset.
        base_url: Where the caller finds the service, without a slash at the end.
    """
    root = f"{base_url}/v1/datasets/{dataset.token}/shards"
    listed = ",\n    ".join(
        f'"{name}": [f"{{shards}}/{{k}}.parquet" for k in range({split.first_shard}, '
        f"{split.first_shard + split.num_shards})]"
        for name, split in _list_splits(dataset).items()
    )
    first = next(iter(_list_splits(dataset).values()))
    return {
        "datasets": f'from datasets import load_dataset\n\nshards = "{root}"\n'
        f'dataset = load_dataset("parquet", data_files={{\n    {listed},\n}})',
        "webdataset": f'import webdataset\n\nshards = "{root}/{{0..{first.num_shards - 1}}}.tar"\n'
        'dataset = webdataset.WebDataset(shards, shardshuffle=100).decode("pil").to_tuple("png", "cls")',
    }


def _list_splits(dataset: Dataset) -> dict[str, DatasetSplit]:
    splits = {}
    first = 0
    for split, num_shards in zip(dataset.recipe.splits, dataset.assignment.shard_counts, strict=True):
        splits[split.name] = DatasetSplit(num_samples=split.num_samples, first_shard=first, num_shards=num_shards)
        first += num_shards
    return splits


def _list_sources(dataset: Dataset) -> Iterator[DatasetSource]:
    for block, version, plan in zip(dataset.recipe.blocks, dataset.versions, dataset.plans, strict=True):
        names = version.manifest.class_names
        counts = {names[number]: count for number, count in enumerate(block.class_counts) if count}
        yield DatasetSource(
            model=block.reference,
            digest=block.digest.hex(),
            seed=block.seed,
            first_index=block.first_index,
            num_samples=block.num_samples,
            class_counts=counts or None,
            truncation=block.truncation,
            augment=_tell_policy(plan),
        )


def _tell_policy(plan: SamplePlan) -> dict[str, Any] | None:
    """Say all of a policy, however long it is."""
    return None if plan.policy is None else {**plan.policy.facts, "ops": json.loads(plan.policy.ops)}


def _write_metadata(dataset: Dataset, sample_format: SampleFormat) -> Iterator[str]:
    """Write YAML line by line; words that are not ours are written as JSON, which is YAML too."""
    yield "pretty_name: Synthetic images\n"
    yield "tags:\n- synthetic\n- image-generation\n- fount\n"
    yield f"size_categories:\n- {_name_size(dataset.recipe.num_samples)}\n"
    if dataset.class_names:
        yield "task_categories:\n- image-classification\n"
    if sample_format in _TABLES:
        yield from _write_features(dataset)
    if sample_format is not SampleFormat.NPZ:  # nothing there loads arrays
        yield "configs:\n- config_name: default\n  data_files:\n"
        for name in _list_splits(dataset):
            yield f"  - split: {name}\n    path: {name}-*.{sample_format}\n"


def _write_features(dataset: Dataset) -> Iterator[str]:
    yield "dataset_info:\n  features:\n  - name: image\n    dtype: image\n"
    if dataset.class_names:
        yield "  - name: label\n    dtype:\n      class_label:\n        names:\n"
        for number, name in enumerate(dataset.class_names):
            yield f"          '{number}': {json.dumps(name)}\n"
    yield "  - name: index\n    dtype: int64\n  splits:\n"
    for name, split in _list_splits(dataset).items():
        yield f"  - name: {name}\n    num_examples: {split.num_samples}\n"


def _name_size(num_samples: int) -> str:
    return next((name for limit, name in _SIZES if num_samples < limit), _LARGER)
