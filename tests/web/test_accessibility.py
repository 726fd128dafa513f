"""Every page, in the states that people see: axe finds nothing serious, and nothing is wider than a telephone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.web.scenes import SCENES

WIDE, NARROW = 1280, 360
WIDER = """() => {
  const room = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth <= room ? [] : [...document.querySelectorAll("body *")]
    .filter((node) => node.getBoundingClientRect().right > room + 1).slice(0, 5).map((node) => node.outerHTML.slice(0, 120));
}"""
AXE = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


@pytest.fixture(params=SCENES, ids=lambda scene: scene.name)
def scene(request):
    return request.param


@pytest.fixture
def page(request, visitor, scene):
    """The page in its state; axe needs more than the pages' policy allows."""
    target = request.getfixturevalue(scene.service)
    page = visitor.open(scene.path, target=target, width=NARROW, bypass_csp=True, reduced_motion="reduce")
    if scene.service == "guarded":
        visitor.watch.allow("401")
    scene.settle(page)
    return page


def test_a_page_serves_everybody_wide_and_narrow_light_and_dark(page):
    wider = page.evaluate(WIDER)
    faults = {}
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            faults[f"{width} {scheme}"] = find_faults(page)

    assert [] == wider
    assert dict.fromkeys(faults, ()) == faults


def find_faults(page):
    found = Axe().run(page, options=AXE).response["violations"]
    return tuple(
        f"{one['id']} ({one['impact']}): {node['target']}: {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    )
