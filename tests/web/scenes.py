"""Pages in the states that people see: each is looked at by axe, and in pictures."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

DRAWN = "() => document.documentElement.dataset.firstGrid"
COUNTS = "0: 1000, 1: 940, 2: 1010, 3: 60, 4: 960, 5: 120".replace(", ", "~").replace(" ", "%20")
WALK = "walk=42.0-43.0x16&walk-class=8"


@dataclass(frozen=True)
class Scene:
    """A page in one state.

    Attributes:
        name: Of its pictures.
        path: What is opened.
        settle: Brings the page into the state, and waits until it is.
        service: Fixture of the service that it is of.
    """

    name: str
    path: str
    settle: Callable[[Page], None]
    service: str = "service"


def wait_for_grid(page: Page) -> None:
    """Wait until the first grid is complete."""
    page.wait_for_function(DRAWN)


def wait_for(selector: str) -> Callable[[Page], None]:
    """Wait until something is there and visible."""
    return lambda page: page.locator(selector).first.wait_for()


def _models(page: Page) -> None:
    page.locator("article.model").first.wait_for()
    page.wait_for_function("() => [...document.images].every((image) => image.complete && image.naturalWidth)")


def _menu(page: Page) -> None:
    _models(page)
    if page.locator("#menu-button").is_visible():
        page.locator("#menu-button").click()


def _card(page: Page) -> None:
    _models(page)
    page.get_by_role("button", name="Card of mnist-gan").click()
    page.get_by_role("dialog").get_by_role("table").first.wait_for()


def _view(page: Page) -> None:
    wait_for_grid(page)
    page.get_by_role("button", name="number 3").first.click()
    page.get_by_role("dialog").wait_for()


def _walk(page: Page) -> None:
    wait_for_grid(page)
    page.locator("#walk-view").scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelectorAll('#film img').length === 16")
    page.locator("#play:enabled").wait_for()


def _refused(page: Page) -> None:
    wait_for_grid(page)
    page.get_by_label("Seed", exact=True).fill("nine")
    page.get_by_role("button", name="Generate").click()
    page.locator("#seed-error").wait_for()


def _asked_again(page: Page) -> None:
    _walk(page)
    page.locator("#again").click()
    page.get_by_text("byte for byte").wait_for()


def _pair(page: Page) -> None:
    wait_for("#pairs button.cell")(page)
    page.locator("#pairs button.cell").nth(2).click()
    page.get_by_role("dialog").wait_for()


def _dataset(page: Page) -> None:
    wait_for("#deliveries")(page)
    page.get_by_role("button", name="Make a dataset").click()
    page.locator("#dataset ol.shards").wait_for()


def _verified(page: Page) -> None:
    page.get_by_role("button", name="Try one of ours").click()
    wait_for(".verified[aria-busy=false] .notice.good")(page)
    page.get_by_role("button", name="one that was changed").click()
    wait_for(".verified[aria-busy=false] .notice.bad")(page)


PAGES = (
    Scene("models", "/", _models),
    Scene("generate", "/generate?n=32", wait_for_grid),
    Scene("augment", "/augment", wait_for("#grid img")),
    Scene("compare", "/compare?n=12", wait_for("#figures .notice")),
    Scene("balance", "/balance", wait_for("#plan .empty")),
    Scene("evaluation", "/evaluation?model=mnist-gan@2", wait_for("#view .tiles")),
    Scene("verify", "/verify", wait_for("#copies pre")),
)
"""Each page as it is opened."""

STATES = (
    Scene("models-card", "/", _card),
    Scene("models-none", "/", wait_for(".empty"), "empty"),
    Scene("menu", "/", _menu),
    Scene("key", "/", wait_for("dialog[open]"), "guarded"),
    Scene("generate-classes", "/generate?model=shapes@1&n=24&class=heart&class=star&truncation=0.7", _walk),
    Scene("generate-view", "/generate?n=16", _view),
    Scene("generate-again", f"/generate?n=16&{WALK}", _asked_again),
    Scene("generate-problem", "/generate?n=4", _refused),
    Scene("compare-figures", "/compare?a=mnist-vae@1&b=mnist-gan@2&n=6", wait_for("#figures table")),
    Scene("compare-pairs", "/compare?view=pairs&difference=1&class=7&n=12", wait_for("#pairs button.cell")),
    Scene("compare-pair", "/compare?n=6", _pair),
    Scene("balance-plan", f"/balance?model=mnist-gan@2&have={COUNTS}", _dataset),
    Scene("evaluation-none", "/evaluation?model=shapes@1", wait_for("#view .notice")),
    Scene("verify-results", "/verify", _verified),
)
"""What comes of using them."""
