import re

import pytest
from playwright.sync_api import expect

from tests.rig.models import make_key
from tests.web.reading import read_code
from tests.web.running import run_shell


@pytest.fixture
def keyed(visitor, guarded):
    """Opens a page of the service with keys."""

    def open_page(path):
        page = visitor.open(path, target=guarded, permissions=["clipboard-read", "clipboard-write"])
        visitor.watch.allow("401")
        visitor.watch.allow("404.*/grid.png")  # tiny models have no contact sheet
        return page

    return open_page


def give_key(page, key):
    dialog = page.get_by_role("dialog", name="A key is needed")
    dialog.get_by_label("Key").fill(key)
    dialog.get_by_label("Key").press("Enter")
    return dialog


def test_a_key_is_asked_for_once_and_a_wrong_one_is_said(keyed):
    page = keyed("/generate?n=4")

    give_key(page, "fount_wrong")
    expect(page.get_by_role("dialog")).to_contain_text("The service does not know the key that this tab has.")
    give_key(page, make_key("sampler"))

    expect(page.locator("#grid img")).to_have_count(4)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Key: set for this tab")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "article.model img.sheet, .no-sheet"),
        ("/compare?n=2", "#pairs img"),
        ("/balance", "#plan .empty"),
        ("/evaluation", "#view .notice"),
    ],
    ids=["models", "compare", "balance", "evaluation"],
)
def test_every_page_goes_on_with_the_key(keyed, path, shown):
    page = keyed("/generate?n=2")
    give_key(page, make_key("operator"))
    expect(page.locator("#grid img")).to_have_count(2)

    page.goto(path)

    expect(page.locator(shown).first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_without_a_key_nothing_is_shown_and_the_page_says_so(keyed):
    page = keyed("/generate")

    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#grid img")).to_have_count(0)


def test_code_names_the_variable_and_never_the_key(keyed):
    page = keyed("/generate?n=2")
    give_key(page, make_key("sampler"))
    expect(page.locator("#grid img")).to_have_count(2)

    curl = read_code(page, "#copies", "curl")
    python = read_code(page, "#copies", "Python")

    assert '-H "Authorization: Bearer $FOUNT_API_KEY"' in curl
    assert 'os.environ["FOUNT_API_KEY"]' in python
    assert not re.search("secret", curl + python + page.content())


def test_a_key_without_the_scope_is_said(keyed, visitor):
    page = keyed("/generate?n=2")
    visitor.watch.allow("403")

    give_key(page, make_key("reader"))

    expect(page.get_by_role("alert")).to_contain_text("sample")


def test_code_that_changes_an_alias_runs_with_the_key_of_the_environment(keyed, guarded, tmp_path):
    page = keyed("/compare?a=tiny@1&b=tiny@2&n=2")
    give_key(page, make_key("operator"))
    page.get_by_label("to the alias").fill("stable")
    expect(page.locator("#promote-note")).to_have_text("tiny has no alias stable yet.")

    run_shell(read_code(page, "#promote-copies", "curl"), tmp_path, FOUNT_API_KEY=make_key("operator"))

    with guarded.open_client(headers={"Authorization": f"Bearer {make_key('reader')}"}) as client:
        models = client.get("/v1/models").json()["models"]
    assert 2 == next(one for one in models if one["name"] == "tiny")["aliases"]["stable"]
