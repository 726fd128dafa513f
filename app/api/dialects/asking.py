"""What a dialect asks for, said in our own words; what is wrong with it, in the dialect's."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.api.validation import explain_problems
from app.schemas.samples import SampleRequest
from app.serving.versions import ServedVersion


def ask_for_samples(version: ServedVersion, names: Mapping[str, str], **given: Any) -> SampleRequest:
    """Write a request for samples of a version.

    Args:
        version: Whose samples.
        names: What the dialect calls our fields, where that is something else.
        **given: Our fields; those that are None are left out.

    Raises:
        InvalidInputError: If a value is out of range; pointers have the dialect's names.
    """
    fields = {name: value for name, value in given.items() if value is not None}
    try:
        return SampleRequest(model=f"{version.ref.name}@{version.ref.version}", **fields)
    except ValidationError as error:
        items = error.errors(include_url=False)
        fields_of = [str((item["loc"] or ("",))[0]) for item in items]
        raise explain_problems(
            (item, f"/{names.get(field, field)}", None) for item, field in zip(items, fields_of, strict=True)
        ) from None
