"""The permanent address of a sample, as a path."""

from urllib.parse import quote, urlencode

from app.imaging.codec import ImageFormat
from app.imaging.mark import Origin


def write_address(origin: Origin, index: int, image_format: ImageFormat, class_label: str | None) -> str:
    """Write the path that answers with one sample, and the query where it needs one.

    Args:
        origin: What the sample is made from: nothing but its seed.
        index: Number of the sample within the seed.
        image_format: File to answer with.
        class_label: Name of its class; None where the sample draws its own, or there is none.
    """
    place = f"{quote(origin.model)}/versions/{origin.version}/samples/{origin.seed}/{index}.{image_format.value}"
    scale = None if origin.truncation == 1.0 else str(origin.truncation)
    query = {name: value for name, value in (("class_label", class_label), ("truncation", scale)) if value is not None}
    return f"/v1/models/{place}" + (f"?{urlencode(query)}" if query else "")
