"""From a folder's path or a URL to the destination that writes there."""

from app.core.errors import ConfigurationError
from app.exporting.destination import Destination
from app.exporting.folder import Folder

_LOCAL_SCHEMES = ("file://", "local://")


def open_destination(url: str) -> Destination:
    """Choose the destination for a folder or an fsspec URL.

    Raises:
        ConfigurationError: If the URL's scheme is unknown, or needs a package that is not installed.
    """
    scheme = next((scheme for scheme in _LOCAL_SCHEMES if url.startswith(scheme)), "")
    if scheme or ("://" not in url and "::" not in url):
        return Folder(url.removeprefix(scheme))
    from app.exporting.objects import Objects  # noqa: PLC0415 - a folder does not need fsspec

    try:
        return Objects(url)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"cannot write to such a URL: {error}") from error
