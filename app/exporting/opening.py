"""From a folder's path or a URL to the destination that writes there."""

from app.core.errors import ConfigurationError
from app.core.places import find_folder
from app.exporting.destination import Destination
from app.exporting.folder import Folder


def open_destination(url: str) -> Destination:
    """Choose the destination for a folder or an fsspec URL.

    Raises:
        ConfigurationError: If the URL's scheme is unknown, or needs a package that is not installed.
    """
    folder = find_folder(url)
    if folder is not None:
        return Folder(folder)
    from app.exporting.objects import Objects  # noqa: PLC0415 - a folder does not need fsspec

    try:
        return Objects(url)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"cannot write to such a URL: {error}") from error
