"""What a model's name stands for now: a version, which never changes."""

from dataclasses import dataclass

from app.client.errors import CapacityError
from app.client.exchange import Answer, Memory, Operation, Request


@dataclass(frozen=True, slots=True)
class Version:
    """One version.

    Attributes:
        reference: ``name@3``.
        class_names: Names by class number; empty for a model without classes.
        shape: Of one image, (h, w, c).
    """

    reference: str
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]


def resolve(memory: Memory, model: str) -> Operation[Version]:
    """Find the version that a name stands for now.

    Args:
        memory: Of the client.
        model: ``name``, ``name@3`` or ``name@alias``.

    Raises:
        NotFoundError: If there is none.
        CapacityError: If no version of the model is ready.
    """
    name, _, selector = model.partition("@")
    if not selector:
        summary: Answer = yield Request("GET", f"/v1/models/{name}")
        selector = str(summary.read_json()["default_version"] or "")
        if not selector:
            raise CapacityError("no version of the model is ready; ask again later", code="not-ready")
    answer: Answer = yield Request("GET", f"/v1/models/{name}/versions/{selector}")
    detail = answer.read_json()
    image = detail["manifest"]["image"]
    version = Version(
        f"{name}@{detail['version']}",
        tuple(detail["manifest"]["class_names"]),
        (image["height"], image["width"], image["channels"]),
    )
    memory.class_names[version.reference] = version.class_names
    return version
