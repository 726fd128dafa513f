"""Which model answers where a caller names none of ours."""

import re

from app.api.services import Services

_FOREIGN = re.compile(r"(?:dall-e|gpt-image|chatgpt-image)[a-z0-9.-]{0,40}", re.ASCII)


def choose_reference(model: str | None, services: Services) -> str:
    """Return the reference to a version that a request is for.

    A name of OpenAI's, or none at all, stands for the default: many of its clients know only such names.

    Args:
        model: What the request says.
        services: The application's parts.
    """
    names = services.engine.catalog.names()
    if model and (model in names or not _FOREIGN.fullmatch(model)):
        return model
    return services.settings.dialects.default_model or next(iter(names), "")
