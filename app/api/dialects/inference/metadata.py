"""What the protocol says of the service, of models, and of the repository."""

from typing import Any

from app import __version__
from app.api.dialects.inference.asked import IMAGES, INPUTS, OUTPUTS, SEED
from app.api.dialects.inference.replies import TYPES
from app.schemas.models import VersionState
from app.serving.catalog import Catalog
from app.serving.versions import ServedVersion

EXTENSIONS = ["binary_tensor_data", "model_repository", "parameters"]
_STATES = {
    VersionState.READY: "READY",
    VersionState.VERIFYING: "LOADING",
    VersionState.WARMING: "LOADING",
    VersionState.FAILED: "UNAVAILABLE",
}
_ON_DEMAND = "not on the device; the next request for it has it loaded"


def describe_server() -> dict[str, Any]:
    """Describe the service."""
    return {"name": "fount", "version": __version__, "extensions": EXTENSIONS}


def describe_model(catalog: Catalog, version: ServedVersion) -> dict[str, Any]:
    """Describe a model's tensors by one of its versions; all inputs may be left out."""
    manifest = version.manifest
    image = manifest.image
    shapes = {IMAGES: [-1, image.height, image.width, image.channels], SEED: [1]}
    view = catalog.model(manifest.name)
    return {
        "name": manifest.name,
        "versions": [str(one.ref.version) for one in view.versions if one.state is not VersionState.FAILED],
        "platform": "fount",
        "inputs": [
            {"name": name, "datatype": types[0], "shape": [-1] if name == "LABELS" else [1]}
            for name, types in INPUTS.items()
        ],
        "outputs": [{"name": name, "datatype": TYPES[name], "shape": shapes.get(name, [-1])} for name in OUTPUTS],
        "class_names": manifest.class_names,
        "digest": version.ref.digest,
    }


def list_versions(catalog: Catalog, *, only_ready: bool) -> list[dict[str, str]]:
    """List all versions with their states."""
    versions = [version for name in catalog.names() for version in catalog.model(name).versions]
    return [_describe_state(one) for one in versions if one.state is VersionState.READY or not only_ready]


def _describe_state(version: ServedVersion) -> dict[str, str]:
    is_idle = version.state is VersionState.READY and version.loaded is None
    return {
        "name": version.ref.name,
        "version": str(version.ref.version),
        "state": _STATES[version.state],
        "reason": version.reason or (_ON_DEMAND if is_idle else ""),
    }
