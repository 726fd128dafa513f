"""How an image file says that it is synthetic, and which sample it is."""

import json
from dataclasses import dataclass

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
TEXT_KEYWORD = "fount"

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
).encode()


@dataclass(frozen=True, slots=True)
class Origin:
    """What all samples of one answer have in common: the checkpoint, the seed and how latents were scaled."""

    model: str
    version: int
    digest: str
    seed: int
    truncation: float = 1.0

    @property
    def reference(self) -> str:
        """The version as callers write it, for example ``mnist-gan@3``."""
        return f"{self.model}@{self.version}"


def describe_sample(origin: Origin, index: int, class_name: str | None) -> str:
    """Write the text chunk of one sample: all that is needed to compute it again, as compact ASCII JSON."""
    return _dump(origin, index=index, **{"class": class_name})


def describe_sheet(origin: Origin, first_index: int, num_samples: int) -> str:
    """Write the text chunk of a contact sheet."""
    return _dump(origin, first_index=first_index, num_samples=num_samples)


def _dump(origin: Origin, **more: int | str | None) -> str:
    facts: dict[str, int | float | str | None] = {
        "model": origin.model,
        "version": origin.version,
        "digest": origin.digest,
        "seed": origin.seed,
        **more,
    }
    if origin.truncation != 1.0:
        facts["truncation"] = origin.truncation
    return json.dumps(facts, separators=(",", ":"))
