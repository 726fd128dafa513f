import json
import re
import zipfile
from collections import Counter

from playwright.sync_api import expect

from tests.web.reading import take_download

COUNTS = "0: 12\n1: 3\n7: 9"


def plan_of(page):
    rows = page.locator("#plan tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").nth(1).inner_text() for row in rows}


def test_counts_become_a_plan_and_the_plan_a_file(visitor, tmp_path):
    page = visitor.open("/balance?model=mnist-gan@2")
    page.get_by_role("textbox", name="What you have").press_sequentially(COUNTS)
    expect(page.locator("#plan .plan-total")).to_contain_text("12 to generate")
    assert {"0": "0", "1": "9", "7": "3"} == plan_of(page)

    saved = take_download(page, page.get_by_role("button", name="Download"), tmp_path)

    with zipfile.ZipFile(saved) as archive:
        folders = Counter(name.split("/")[-2] for name in archive.namelist() if name.endswith(".png"))
    assert {"1": 9, "7": 3} == folders
    expect(page.locator("#download-status")).to_contain_text("is saved: 12 images")


def test_counts_are_pasted_in_many_forms(visitor):
    page = visitor.open("/balance?model=mnist-gan@2")
    box = page.get_by_role("textbox", name="What you have")
    forms = {
        "lines": "0 12\n1 3\n7 9",
        "json": json.dumps({"0": 12, "1": 3, "7": 9}),
        "csv": "label,count\n0,12\n1,3\n7,9",
        "labels": "\n".join(["file,label", *["a.png,0"] * 12, *["b.png,1"] * 3, *["c.png,7"] * 9]),
    }

    plans = {}
    for name, text in forms.items():
        box.fill("")
        expect(page.locator("#plan .empty")).to_be_visible()
        box.evaluate("(node, text) => { node.focus(); document.execCommand('insertText', false, text); }", text)
        expect(page.locator("#plan .plan-total")).to_contain_text("12 to generate")
        plans[name] = plan_of(page)

    assert [{"0": "0", "1": "9", "7": "3"}] * len(forms) == list(plans.values())


def test_a_file_of_counts_is_read_here(visitor, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["name,label", *["x,0"] * 4, "y,8"]))
    page = visitor.open("/balance?model=mnist-gan@2")
    expect(page.locator("#version")).to_be_enabled()

    page.locator("#file").set_input_files(path)

    expect(page.locator("#counts-read")).to_have_text("labels.csv: Counted 5 labels in the column label: 2 classes.")
    expect(page.locator("#plan .plan-total")).to_contain_text("3 to generate")


def test_classes_are_brought_to_a_number_and_the_address_keeps_it(visitor):
    page = visitor.open("/balance?model=mnist-gan@2&have=0:12~1:3")

    page.get_by_role("radio", name="A number").click()
    page.get_by_label("Images of each class").fill("20")
    page.get_by_label("Classes not listed count as 0").check()

    expect(page.locator("#plan .plan-total")).to_contain_text("185 to generate")
    expect(page).to_have_url(re.compile("to=20&all=1"))
    page.reload()
    expect(page.locator("#plan .plan-total")).to_contain_text("185 to generate")


def test_what_cannot_be_read_is_said(visitor):
    page = visitor.open("/balance?model=mnist-gan@2")
    box = page.get_by_role("textbox", name="What you have")
    expect(page.locator("#version")).to_be_enabled()

    box.fill("0: 5\ncat: 2")
    expect(page.locator("#counts-problems")).to_contain_text("mnist-gan has no class cat: left out.")
    box.fill("{0: 5")
    expect(page.locator("#counts-problems")).to_contain_text("This is not JSON")

    expect(box).to_have_attribute("aria-invalid", "true")


def test_a_dataset_is_made_whose_links_work(visitor, service):
    page = visitor.open("/balance?model=mnist-gan@2&have=0:12~1:3")
    page.get_by_label("Images per shard").fill("5")

    page.get_by_role("button", name="Make a dataset").click()

    expect(page.locator("#dataset")).to_contain_text("9 images in 2 shards.")
    links = page.locator("#dataset a").evaluate_all("all => all.map((one) => one.href)")
    assert 5 == len(links)
    with service.open_client() as client:
        assert {200} == {client.get(link).status_code for link in links}
