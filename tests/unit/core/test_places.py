import pytest

from app.core.places import find_folder


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("models", "models"),
        ("/srv/models", "/srv/models"),
        ("file:///srv/models", "/srv/models"),
        ("local:///srv/models", "/srv/models"),
        ("s3://bucket/models", None),
        ("simplecache::s3://bucket/models", None),
    ],
)
def test_a_folder_is_told_from_what_takes_fsspec(url, folder):
    assert folder == find_folder(url)
