"""Operations on models, their versions and aliases, and on images that may be theirs."""

from typing import Any

from app.client.exchange import Answer, Memory, Operation, Request
from app.client.sampling import Picture, list_pictures

Document = dict[str, Any]
"""An answer as the interface describes it: ``/docs`` of the service tells every member."""


def models(_memory: Memory) -> Operation[list[Document]]:
    """List the models: names, versions, aliases, classes, image sizes, figures of quality.

    Raises:
        FountError: If the service refuses, or does not answer.
    """
    answer: Answer = yield Request("GET", "/v1/models")
    listed: list[Document] = answer.read_json()["models"]
    return listed


def model(_memory: Memory, name: str) -> Operation[Document]:
    """Describe one model, or one version of it: its manifest and state.

    Args:
        name: ``name``, or ``name@3`` or ``name@alias`` for a version.

    Raises:
        FountError: If the service refuses, or does not answer.
    """
    model_name, _, version = name.partition("@")
    answer: Answer = yield Request("GET", f"/v1/models/{model_name}" + (f"/versions/{version}" if version else ""))
    described: Document = answer.read_json()
    return described


def promote(
    _memory: Memory, name: str, version: int, *, alias: str = "production", expected: int | None = None
) -> Operation[Document]:
    """Point an alias to a version: promote it, or roll back. Needs a key with the scope ``admin``.

    Args:
        name: The model.
        version: The version.
        alias: What to move.
        expected: Version that the alias must point to now; by default any.

    Raises:
        ConflictError: If the alias points elsewhere.
        FountError: If the service refuses, or does not answer.
    """
    headers = {} if expected is None else {"If-Match": f'"{expected}"'}
    path, document = f"/v1/models/{name}/aliases/{alias}", {"version": version}
    request = Request("PUT", path, document, headers=headers, is_repeatable=expected is None)
    answer: Answer = yield request
    state: Document = answer.read_json()
    return state


def verify(_memory: Memory, image: Picture) -> Operation[Document]:
    """Ask whether Fount made an image: ``verdict``, ``made_by_fount``, ``detail`` and ``sample``.

    Args:
        image: A file's path or its bytes, as it was received; pixels alone carry no mark.

    Raises:
        FountError: If the service refuses, or does not answer.
    """
    [file] = list_pictures(image)
    request = Request("POST", "/v1/verifications", files=[("image", ("image", file, "application/octet-stream"))])
    answer: Answer = yield request
    verdict: Document = answer.read_json()
    return verdict
