"""Renders ``tests/golden/openapi.json``: the whole HTTP contract, as the service itself describes it."""

import json

from app.core.settings import Settings
from app.main import create_app


def render_openapi() -> str:
    """Render the document; any change of it is a change of the contract."""
    document = create_app(Settings()).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
