"""Coverage for atheris, put into modules while they are imported; nothing where atheris is not installed."""

import contextlib
import importlib.util
from collections.abc import Iterator

# Ours, and pure Python below them. More would only be slower.
MODULES = [
    "app.api.augmented.form",
    "app.api.datasets",
    "app.api.policies",
    "app.api.strict",
    "app.api.uploads",
    "app.api.validation",
    "app.augmentation.nodes",
    "app.augmentation.policy",
    "app.decoding",
    "app.generators.header",
    "app.repository.aliases",
    "app.repository.documents",
    "app.repository.manifest",
    "json.decoder",
    "json.scanner",
    "PIL",
    "python_multipart",
]


def is_watching() -> bool:
    """Tell whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


@contextlib.contextmanager
def instrument(*, is_plain: bool) -> Iterator[None]:
    """Import what is imported in the block with coverage."""
    if is_plain:
        yield
        return
    import atheris  # noqa: PLC0415 - not installed everywhere

    with atheris.instrument_imports(include=MODULES):
        yield
