import re

from playwright.sync_api import expect


def test_every_model_shows_its_sheet_its_figures_and_its_card(visitor):
    page = visitor.open("/")

    cards = page.locator("article.model")
    expect(cards).to_have_count(4)
    expect(page.locator("#models")).to_have_attribute("aria-busy", "false")
    for card in cards.all():
        sheet = card.locator("img.sheet")
        sheet.scroll_into_view_if_needed()
        expect(sheet).to_have_js_property("complete", True)
        assert sheet.evaluate("image => image.naturalWidth") > 100
    digits = page.get_by_role("article", name="mnist-gan")
    expect(digits.get_by_role("row", name=re.compile("FID"))).to_contain_text(re.compile(r"\d"))
    digits.get_by_role("button", name="Card of mnist-gan").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Limits")).to_be_visible()
