"""What is measured and on how many samples, by name: a figure without its protocol says nothing."""

import dataclasses
from typing import Literal, TypeAlias

ProtocolName: TypeAlias = Literal["quick", "full"]

CAS_BATCH = 128


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What is measured, and on how many samples.

    Attributes:
        name: Goes into the record.
        num_samples: Samples behind every figure that names no other count; fewer where there are fewer real images.
        kernel_subsets: Of the kernel distance.
        mode_samples: Samples behind mode count and reverse KL.
        cas_steps: Steps of 128 samples for each classifier of the Classification Accuracy Score; 0 leaves it out.
        cas_seeds: Classifiers that are trained for it.
        is_deep: Whether the Frechet distance of each class, and the search for copies, are worth their time.
    """

    name: ProtocolName
    num_samples: int
    kernel_subsets: int
    mode_samples: int
    cas_steps: int
    cas_seeds: int
    is_deep: bool

    @property
    def cas_samples(self) -> int:
        """Samples that each classifier is trained on, every one once."""
        return self.cas_steps * CAS_BATCH


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "quick": Protocol(
        "quick", num_samples=2000, kernel_subsets=20, mode_samples=2000, cas_steps=0, cas_seeds=0, is_deep=False
    ),
    "full": Protocol(
        "full", num_samples=10_000, kernel_subsets=100, mode_samples=25_600, cas_steps=200, cas_seeds=3, is_deep=True
    ),
}
