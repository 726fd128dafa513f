"""How long a caller would wait, and on whose share of the device."""

import re
from typing import Any

from fastapi import Request

from app.core.errors import InvalidInputError
from app.serving.admission import Terms
from app.serving.engine import Engine

TIMEOUT = "Fount-Timeout"
MAX_TIMEOUT_S = 999_999

_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)

WAITS: dict[str, Any] = {
    "parameters": [
        {
            "name": TIMEOUT,
            "in": "header",
            "required": False,
            "description": "Seconds that the caller would wait for the first sample to be begun, once the request is "
            "read; what cannot be begun by then is answered with `deadline-exceeded`.",
            "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_S},
        }
    ]
}


def read_terms(request: Request, engine: Engine) -> Terms:
    """Fix the terms of a request that was read now: the share of its key, and the time in ``Fount-Timeout``.

    Raises:
        InvalidInputError: If the header is not a number of seconds above 0.
    """
    text = request.headers.get(TIMEOUT)
    state = request.scope["state"]
    return engine.agree(state["caller"].id, None if text is None else _parse(text), state.get("allowance"))


def _parse(text: str) -> float:
    timeout_s = float(text) if _SECONDS.fullmatch(text) else 0.0
    if not timeout_s:
        raise InvalidInputError(
            f"`{TIMEOUT}` is a number of seconds, such as `2` or `0.5`: above 0, up to {MAX_TIMEOUT_S}",
            pointer=f"/header/{TIMEOUT}",
        )
    return timeout_s
