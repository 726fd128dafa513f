"""What is done to pages before the site is built, and looked for behind that."""

import importlib.util

import pytest

from tests.docs.pages import ROOT

SPEC = importlib.util.spec_from_file_location("site_builder", ROOT / ".ci" / "site.py")
SITE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SITE)


@pytest.fixture
def copied(tmp_path):
    SITE.copy_pages(tmp_path / "pages")
    return tmp_path / "pages"


def test_every_page_and_picture_is_copied_with_its_layout(copied):
    pages = {str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")} | {"README.md", "CHANGELOG.md"}

    assert set() == {page for page in pages if not (copied / page).is_file()}
    assert (copied / "docs/images/tutorials/eights.png").is_file()
    assert not (copied / "docs/zensical.toml").exists()


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[formats](docs/formats.md#size)", "[formats](docs/formats.md#size)"),
        ("[decisions](docs/decisions/)", "[decisions](docs/decisions/README.md)"),
        ("[code](app/main.py)", "code"),
        ("[nowhere](docs/nowhere.md)", "[nowhere](docs/nowhere.md)"),
        ("[other](https://example.org/a.md)", "[other](https://example.org/a.md)"),
    ],
)
def test_links_lead_to_pages_of_the_site_or_are_text(copied, link, expected):
    assert expected == SITE.rewrite_link(copied / "README.md", copied, SITE.LINK.fullmatch(link))


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://example.org/a.js"></script>',
        '<link rel="stylesheet" href="//example.org/a.css">',
        '<link rel="preconnect" href="https://example.org">',
        '<p style="background: url(https://example.org/a.png)">',
        '<img src="missing.png">',
    ],
)
def test_what_a_page_would_fetch_from_elsewhere_or_in_vain_is_found(tmp_path, markup):
    (tmp_path / "index.html").write_text(markup, encoding="utf-8")

    assert 1 == len(list(SITE.list_faults(tmp_path)))


def test_a_style_that_would_fetch_from_elsewhere_is_found(tmp_path):
    (tmp_path / "a.css").write_text('@import "https://example.org/b.css"; p { color: url(b.png) }', encoding="utf-8")

    assert ["a.css: https://example.org/b.css"] == list(SITE.list_faults(tmp_path))


def test_links_to_others_and_files_of_the_site_are_no_faults(tmp_path):
    (tmp_path / "index.html").write_text('<a href="https://example.org">a</a><img src="a.png">', encoding="utf-8")
    (tmp_path / "a.png").write_bytes(b"\x89PNG")

    assert [] == list(SITE.list_faults(tmp_path))
