"""The figures of a version in its card, and the version that holds them: published files never change."""

import re

from app.repository.evaluation import (
    EvaluationRecord,
    Metric,
    dump_evaluation,
    format_figure,
    read_evaluation,
    sort_metrics,
)
from app.repository.manifest import CARD_FILE, Manifest, utc_now
from app.repository.store import ModelRepository

_UNKNOWN = """## Quality

Nobody has measured this version: `fount evaluate` does.
"""

_TEMPLATE = """## Quality

{samples:,} samples of seed {seed} by Fount's `{protocol}` protocol, against the {num_images:,} images of the {split}
split of {name}. {missing}The judge: {judge}.{inception}

| figure | better | value | 95 % interval | real images |
|---|---|---|---|---|
{rows}

{per_class}The last column is what real images score in the place of generated ones: about the best that can be reached.
"""

_NO_TEST = "There is no other split: the generator has seen these images, so copies would score well. "
_SECTION = re.compile(r"^## Quality\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BEFORE = re.compile(r"^## Limits$", re.MULTILINE)


def write_quality(manifest: Manifest) -> str:
    """Write the section of the card that says how good a version is, or that nobody knows."""
    record = read_evaluation(manifest)
    if record is None:
        return _UNKNOWN
    reference = record.reference
    return _TEMPLATE.format(
        samples=record.num_samples,
        seed=record.seed,
        protocol=record.protocol,
        num_images=reference.num_images,
        split=reference.split,
        name=reference.name,
        missing=_NO_TEST if reference.split == "train" else "",
        judge=record.judge.description,
        inception=_describe_inception(record),
        rows="\n".join(_write_row(name, metric) for name, metric in sort_metrics(record.metrics).items()),
        per_class="".join(_describe_worst(record)),
    )


def replace_quality(card: str, manifest: Manifest) -> str:
    """Return a card with its section on quality written anew; everything else stays as it is."""
    section = write_quality(manifest)
    without = _SECTION.sub("", card)
    limits = _BEFORE.search(without)
    if limits is None:
        return f"{without.rstrip()}\n\n{section}"
    return f"{without[: limits.start()]}{section}\n{without[limits.start() :]}"


def record_evaluation(repository: ModelRepository, manifest: Manifest, record: EvaluationRecord) -> Manifest:
    """Publish the weights of a version once more, with figures in manifest and card, as the model's next version.

    Raises:
        RepositoryError: If a file is not the one that was published, or the repository cannot be written.
    """
    name, version = manifest.name, manifest.version
    files = {file: repository.read_file(name, version, file) for file in manifest.files}
    draft = manifest.model_copy(update={"evaluation": dump_evaluation(record), "created": utc_now()})
    if CARD_FILE in files:
        files[CARD_FILE] = replace_quality(files[CARD_FILE].decode(), draft).encode()
    return repository.publish(draft, {str(file): data for file, data in files.items()})


def _write_row(name: str, metric: Metric) -> str:
    interval = "" if metric.interval is None else " to ".join(map(format_figure, metric.interval))
    floor = "" if metric.floor is None else format_figure(metric.floor)
    return f"| `{name}` | {metric.better} | {format_figure(metric.value)} | {interval} | {floor} |"


def _describe_inception(record: EvaluationRecord) -> str:
    """Name the weights behind the figures through Inception, if there are any."""
    if record.inception is None:
        return ""
    weights = record.inception.sha256
    return f"\nFigures that begin with `inception_` are of the network of published ones; its weights: `{weights}`."


def _describe_worst(record: EvaluationRecord) -> list[str]:
    """Name the class that is worst by each figure, if there is one."""
    sentences = []
    for family, choose in (("label_agreement", min), ("fid", max)):
        values = record.per_class.get(family)
        if values:
            worst = choose(values, key=lambda name: values[name])
            sentences.append(f"Worst class by `{family}`: {worst}, {format_figure(values[worst])}. ")
    return sentences
