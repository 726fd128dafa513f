import pytest

from app.core.errors import iter_errors
from tests.docs.pages import PAGES, ROOT, anchors, links, read, shell_blocks
from tests.golden.configuration import variables


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_project_leads_somewhere(page):
    broken = []
    for link in links(read(page)):
        path, _, fragment = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if "://" in link or link.startswith("mailto:"):
            continue
        if not target.exists() or (fragment and fragment not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)

    assert [] == broken


def test_every_error_has_its_section():
    sections = anchors(read("docs/errors.md"))

    missing = {error.code for error in iter_errors()} - sections

    assert set() == missing


def test_every_setting_is_documented():
    page = read("docs/configuration.md")

    assert [] == [variable for variable in variables() if f"`{variable}`" not in page]


def test_blocks_are_found_by_their_mark():
    text = "<!-- served -->\n```sh\none\n```\n\n```sh\ntwo\n```\n\n```json\n{}\n```\n"

    assert ["one\n", "two\n"] == shell_blocks(text)
    assert ["one\n"] == shell_blocks(text, "served")
