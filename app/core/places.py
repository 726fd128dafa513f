"""Where files may lie: in a folder, or behind a URL that fsspec knows."""

_LOCAL_SCHEMES = ("file://", "local://")


def find_folder(url: str) -> str | None:
    """Return the path of the folder that a path or URL means; None where it takes fsspec to get there."""
    scheme = next((scheme for scheme in _LOCAL_SCHEMES if url.startswith(scheme)), "")
    if scheme or ("://" not in url and "::" not in url):
        return url.removeprefix(scheme)
    return None
