import re

from playwright.sync_api import expect


def test_every_figure_of_the_record_is_there_with_its_plot(visitor, service):
    page = visitor.open("/evaluation?model=mnist-gan@2")
    expect(page.locator("#view")).to_have_attribute("aria-busy", "false")

    with service.open_client() as client:
        record = client.get("/v1/models/mnist-gan/versions/2").json()["manifest"]["evaluation"]
    rows = page.locator(".figure-table tbody tr")
    assert sorted(record["metrics"]) == sorted(rows.locator("code").all_inner_texts())
    assert len(record["metrics"]) == rows.locator("svg.bar-plot rect.bar-fill").count()
    for plot in rows.locator("svg.bar-plot").all():
        assert plot.bounding_box()["width"] > 60
    expect(page.locator(".tile").first).to_contain_text(re.compile(r"FID\s*\d"))
    expect(page.locator(".class-table").first.locator("tbody tr")).to_have_count(10)


def test_versions_are_drawn_one_after_another(visitor):
    page = visitor.open("/evaluation?model=mnist-gan@2")

    expect(page.locator("svg.history-plot circle.point")).to_have_count(1)
    expect(page.get_by_text("Without this figure: v1 (nobody measured it).")).to_be_visible()
    page.get_by_label("Figure", exact=True).select_option(index=2)
    expect(page).to_have_url(re.compile("figure="))
    page.get_by_text("As a table").click()
    expect(page.get_by_role("region", name="Versions").locator("tbody tr")).to_have_count(2)


def test_a_version_that_nobody_measured_says_how_to(visitor):
    page = visitor.open("/evaluation")
    expect(page.locator("#view")).to_have_attribute("aria-busy", "false")

    page.get_by_label("Model and version").select_option("shapes@1")

    expect(page.locator("#view")).to_contain_text("Nobody has measured shapes@1.")
    expect(page.locator("#view pre")).to_have_text("fount evaluate shapes@1 --data SOURCE --record")
    expect(page).to_have_url(re.compile("model=shapes"))
