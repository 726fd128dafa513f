"""Every committed file that is rendered from the code; ``make golden`` writes them, a test compares them whole."""

from collections.abc import Callable
from pathlib import Path

from tests.golden.configuration import render_configuration

ROOT = Path(__file__).resolve().parents[2]

DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/configuration.md": render_configuration,
}
