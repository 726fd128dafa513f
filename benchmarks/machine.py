"""What a measurement ran on."""

import os
import platform
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_TELLING_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


class Machine(BaseModel):
    """A processor: its name, the cores that can be used, and the instructions that decide how fast it trains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str
    cores: int
    flags: list[str]

    def describe(self) -> str:
        """Return one line about it."""
        return f"{self.cores} cores {self.cpu}" + (f" ({', '.join(self.flags)})" if self.flags else "")


def look_at_machine() -> Machine:
    """Describe the machine that this runs on."""
    facts = _read_cpu_facts()
    flags = facts.get("flags", "").split()
    return Machine(
        cpu=facts.get("model name") or platform.processor() or "unknown",
        cores=os.cpu_count() or 1,
        flags=[flag for flag in _TELLING_FLAGS if flag in flags],
    )


def _read_cpu_facts() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first_core = path.read_text("utf-8").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first_core.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
