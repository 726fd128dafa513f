"""Every page, in the states that people see: axe finds nothing serious, and nothing is wider than a telephone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from app.api.pages.registry import PAGES as ENTRIES
from tests.web.scenes import PAGES, STATES, wait_for_grid

WIDE, NARROW = 1280, 360
WIDER = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const all = [...document.body.querySelectorAll("*")];
  const wider = all.filter((node) => node.getBoundingClientRect().right > room + 1);
  return wider.slice(0, 5).map((node) => node.outerHTML.slice(0, 120));
}"""
ALL = {"resultTypes": ["violations"]}
COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
"""The rules for which light and dark are not the same."""


@pytest.fixture
def open_scene(request, visitor):
    """Opens a page in a state, narrow and light; axe needs more than the policy of the pages allows."""

    def open_one(scene):
        target = request.getfixturevalue(scene.service)
        page = visitor.open(
            scene.path, target=target, width=NARROW, height=780, bypass_csp=True, reduced_motion="reduce"
        )
        visitor.watch.allow("401" if scene.service == "guarded" else "^$")
        scene.settle(page)
        return page

    return open_one


def find_faults(page, options):
    """Name what axe calls serious or critical."""
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']}: {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def show(page, *, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


@pytest.mark.parametrize("scene", PAGES, ids=lambda scene: scene.name)
def test_a_page_serves_everybody_wide_and_narrow_light_and_dark(open_scene, scene):
    page = open_scene(scene)

    assert [] == page.evaluate(WIDER)
    assert [] == find_faults(page, ALL)
    show(page, width=NARROW, scheme="dark")
    assert [] == find_faults(page, COLOURS)
    show(page, width=WIDE, scheme="dark")
    assert [] == find_faults(page, COLOURS)
    show(page, width=WIDE, scheme="light")
    assert [] == find_faults(page, ALL)


@pytest.mark.parametrize("scene", STATES, ids=lambda scene: scene.name)
def test_a_page_in_use_serves_everybody(open_scene, scene):
    page = open_scene(scene)

    assert [] == page.evaluate(WIDER)
    assert [] == find_faults(page, ALL)
    show(page, width=WIDE, scheme="dark")
    assert [] == find_faults(page, COLOURS)


def test_every_page_is_among_the_scenes():
    assert {entry.path for entry in ENTRIES} == {scene.path.partition("?")[0] for scene in PAGES}


def test_faults_would_be_found(open_scene):
    page = open_scene(PAGES[1])
    page.evaluate("document.querySelector('label[for=seed]').remove()")
    page.evaluate("document.querySelector('#seed-hint').style.color = '#eee'")
    page.evaluate("document.querySelector('#grid-hint').style.minWidth = '500px'")

    found = {fault.partition(" ")[0] for fault in find_faults(page, ALL)}
    assert {"color-contrast", "label"} <= found
    assert any("grid-hint" in one for one in page.evaluate(WIDER))


def test_colours_are_those_that_were_chosen(visitor):
    page = visitor.open("/generate?n=4", color_scheme="dark")
    wait_for_grid(page)
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    button = page.locator("#theme-button")

    button.click()
    expect(button).to_have_accessible_name("Colours: Light")
    light = page.evaluate(ground)
    page.reload()
    expect(button).to_have_accessible_name("Colours: Light")
    assert light == page.evaluate(ground)
    button.click()

    expect(button).to_have_accessible_name("Colours: Dark")
    assert dark == page.evaluate(ground) != light


def test_the_menu_opens_and_closes_on_a_telephone(visitor):
    page = visitor.open("/verify", width=NARROW)
    menu = page.get_by_role("navigation", name="Pages")
    expect(menu.get_by_role("link", name="Compare")).not_to_be_visible()

    page.get_by_role("button", name="Menu").press("Enter")
    expect(menu.get_by_role("link", name="Compare")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Compare")).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Balance").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Fill up the rare classes")
