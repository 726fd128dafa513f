"""How an image file says that it is synthetic, and which sample it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Fact: TypeAlias = int | float | str
Facts: TypeAlias = dict[str, Fact | Mapping[str, Any]]

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
TEXT_KEYWORD = "fount"

ENHANCED_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"


def _write_xmp(source_type: str) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


XMP = _write_xmp(DIGITAL_SOURCE_TYPE)
"""Of images that a trained generator made."""
ENHANCED_XMP = _write_xmp(ENHANCED_SOURCE_TYPE)
"""Of images that were sent, and changed here."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What all samples of one answer have in common: the checkpoint, the seed and how latents were scaled.

    ``how`` says under one name what else samples are a function of, as for frames of a path; empty for plain ones.
    """

    model: str
    version: int
    digest: str
    seed: int
    truncation: float = 1.0
    how: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The version as callers write it, for example ``mnist-gan@3``."""
        return f"{self.model}@{self.version}"


class SampleMarker:
    """Writes the text chunks of many samples of one origin; what they have in common is written once."""

    def __init__(self, origin: Origin) -> None:
        self._head = _dump(_common(origin)).removesuffix("}")
        self._tail = _dump(_rest(origin)).removeprefix("{")
        if self._tail != "}":
            self._tail = "," + self._tail
        self._classes: dict[str | None, str] = {}

    def describe(self, index: int, class_name: str | None) -> str:
        """Write all that is needed to compute one sample again, as compact ASCII JSON."""
        written = self._classes.get(class_name)
        if written is None:
            written = self._classes[class_name] = json.dumps(class_name)
        return f'{self._head},"index":{index},"class":{written}{self._tail}'


def describe_sample(origin: Origin, index: int, class_name: str | None) -> str:
    """Write the text chunk of one sample."""
    return SampleMarker(origin).describe(index, class_name)


def describe_sheet(origin: Origin, first_index: int, num_samples: int) -> str:
    """Write the text chunk of a contact sheet."""
    return _dump(_common(origin) | {"first_index": first_index, "num_samples": num_samples} | _rest(origin))


def describe_file(origin: Origin, first_index: int, num_samples: int) -> str:
    """Write what a file of many samples says about itself: that they are synthetic, and which they are."""
    facts: Facts = {"first_index": first_index, "num_samples": num_samples, "digital_source_type": DIGITAL_SOURCE_TYPE}
    return _dump(_common(origin) | facts | _rest(origin))


def _common(origin: Origin) -> Facts:
    return {"model": origin.model, "version": origin.version, "digest": origin.digest, "seed": origin.seed}


def _rest(origin: Origin) -> Facts:
    """Return what most samples do not have."""
    scale: Facts = {} if origin.truncation == 1.0 else {"truncation": origin.truncation}
    return scale | dict(origin.how)


def _dump(facts: Facts) -> str:
    return json.dumps(facts, separators=(",", ":"))
