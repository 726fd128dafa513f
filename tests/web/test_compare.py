import base64
import re

from playwright.sync_api import expect

from tests.web.reading import digest_all, read_grid
from tests.web.scenes import wait_for

PAIR = "/compare?a=mnist-gan@1&b=mnist-gan@2&n=6&seed=5"
CELLS = "#pairs button.cell"


def test_two_versions_are_shown_on_the_same_seed(visitor, service):
    page = visitor.open(PAIR)
    wait_for(CELLS)(page)

    with service.open_client() as client:
        bases = [f"/v1/models/mnist-gan/versions/{version}/samples/5" for version in (1, 2)]
        addressed = [client.get(f"{base}/{index}.png").content for base in bases for index in range(6)]
    assert digest_all(addressed) == digest_all(read_grid(page, f"{CELLS} img"))
    expect(page.locator("#status")).to_contain_text("6 pairs of seed 5")
    expect(page.locator("#figures")).to_contain_text("Nobody has measured mnist-gan@1.")


def test_figures_of_two_measured_versions_have_a_verdict_and_a_plot_each(visitor):
    page = visitor.open("/compare?a=mnist-vae@1&b=mnist-gan@2&n=2")

    expect(page.locator("#figures .notice")).to_contain_text(re.compile("mnist-gan@2 is better by .*FID"))
    rows = page.locator("#figures tbody tr")
    expect(rows.first).to_contain_text("better")
    assert rows.count() == rows.locator("svg.point-plot").count()


def test_pairs_show_their_difference_and_open_larger(visitor):
    page = visitor.open(f"{PAIR}&class=7")
    wait_for(CELLS)(page)

    page.get_by_role("radio", name="In pairs").click()
    page.get_by_label("Difference").check()
    expect(page.locator("#status")).to_contain_text(re.compile(r"mean difference \d+\.\d of 255"))
    expect(page.locator(f"{CELLS} img")).to_have_count(18)
    expect(page).to_have_url(re.compile("view=pairs&difference=1"))
    page.locator(CELLS).nth(2).click()

    dialog = page.get_by_role("dialog", name="Number 2 of seed 5")
    expect(dialog.locator("figure")).to_have_count(3)
    expect(dialog).to_contain_text(re.compile(r"largest \d+ of 255"))


def test_a_version_beside_itself_differs_nowhere(visitor):
    page = visitor.open("/compare?a=mnist-gan@2&b=mnist-gan@2&n=4&difference=1")

    expect(page.locator("#status")).to_contain_text("every pixel is the same")
    expect(page.locator("#figures")).to_contain_text("One version, twice")


def test_the_command_that_promotes_follows_what_is_chosen(visitor):
    page = visitor.open(PAIR)
    wait_for(CELLS)(page)

    page.get_by_role("radio", name="A mnist-gan@1").click()
    page.get_by_label("to the alias").fill("stable")

    expect(page.locator("#promote-note")).to_have_text("mnist-gan has no alias stable yet.")
    page.locator("#promote-copies").get_by_role("tab", name="Command line").click()
    expect(page.locator("#promote-copies pre")).to_have_text("fount models promote mnist-gan@1 --alias stable")


def test_versions_are_swapped_and_chosen(visitor):
    page = visitor.open(PAIR)
    wait_for(CELLS)(page)
    before = read_grid(page, f"{CELLS} img")

    page.get_by_role("button", name="Swap").click()
    expect(page).to_have_url(re.compile("a=mnist-gan@2&b=mnist-gan@1|a=mnist-gan%402&b=mnist-gan%401"))
    page.wait_for_function("first => document.querySelector('#pairs img').src.endsWith(first)", arg=_tail(before[6]))
    assert digest_all(before[6:] + before[:6]) == digest_all(read_grid(page, f"{CELLS} img"))
    page.get_by_label("B", exact=True).select_option("shapes@1")

    expect(page.locator("#pair-hint")).to_contain_text("Other networks read the same numbers in other ways")
    expect(page.locator("#pairs")).to_contain_text("shapes@1")


def _tail(png):
    return base64.b64encode(png).decode()
