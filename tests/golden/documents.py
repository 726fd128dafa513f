"""Every committed file that is rendered from the code; ``make golden`` writes them, a test compares them whole."""

from collections.abc import Callable
from pathlib import Path

from app.api.problem_pages import render_catalogue
from tests.golden.command_line import render_command_line
from tests.golden.configuration import render_configuration
from tests.golden.http_pages import http_pages
from tests.golden.manifest_page import render_manifest
from tests.golden.openapi import render_openapi
from tests.golden.operations_page import render_operations

ROOT = Path(__file__).resolve().parents[2]

DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/augmentation-operations.md": render_operations,
    "docs/command-line.md": render_command_line,
    "docs/configuration.md": render_configuration,
    "docs/errors.md": render_catalogue,
    "docs/manifest.md": render_manifest,
    "tests/golden/openapi.json": render_openapi,
    **http_pages(),
}
