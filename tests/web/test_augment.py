import base64
import io
import json
import re
import subprocess
import sys
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.rig.models import make_key
from tests.web.reading import digest_all, read_code, read_grid, take_download

SMALL = "/augment?image=shapes@1:42.7&preset=light&copies=4&seed=7"
CLIPBOARD = ["clipboard-read", "clipboard-write"]
COPIES = "#grid .copy-pick img"
OPS = "steps => steps.map((step) => step.dataset.op)"
REFUSED = "422"
GIVE = """({ event, name, type, data }) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const options = { bubbles: true, cancelable: true };
  document.querySelector("#drop").dispatchEvent(event === "paste"
    ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
    : new DragEvent(event, { ...options, dataTransfer: transfer }));
}"""


@pytest.fixture
def page(visitor):
    shown = visitor.open(SMALL, permissions=CLIPBOARD)
    wait_until_drawn(shown, 4)
    return shown


@pytest.fixture
def ask(service):
    """Ask the service for the same, without a page."""

    def augment(image, **request):
        files = [("images", image), ("request", (None, json.dumps(request)))]
        with service.open_client() as client:
            return client.post("/v1/augmentations", files=files).raise_for_status()

    return augment


@pytest.fixture
def sample(service):
    with service.open_client() as client:
        return client.get("/v1/models/shapes/versions/1/samples/42/7.png").raise_for_status().content


def wait_until_drawn(page, count, seed=7):
    expect(page.locator("#status")).to_contain_text(re.compile(rf"^{count} cop(y|ies) in .* seed {seed} "))
    expect(page.locator(COPIES)).to_have_count(count)


def draw_image(size=(40, 24), kind="PNG", mode="RGB"):
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(file, kind)
    return file.getvalue()


def give(page, event, name, data, media_type="image/png"):
    page.evaluate(GIVE, {"event": event, "name": name, "type": media_type, "data": base64.b64encode(data).decode()})


def open_json(page):
    page.get_by_text("Policy as JSON").click()
    return page.locator("#json")


def read_policy(page):
    return json.loads(page.locator("#json").input_value())


def list_steps(page, selector="#steps > .steps > .step"):
    return page.locator(selector).evaluate_all(OPS)


def add_operation(page, name, button="Add an operation"):
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_label("Search names and descriptions").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def wait_until_changed(page, before):
    expect(page.locator(COPIES).first).not_to_have_attribute("src", before)


def first_source(page):
    return page.locator(COPIES).first.get_attribute("src")


def test_a_sample_is_there_at_once_with_copies_and_a_trace(visitor):
    page = visitor.open("/augment")

    wait_until_drawn(page, 8, seed=1)
    expect(page.get_by_role("img", name="Original of shapes-1-42-0.png")).to_be_visible()
    expect(page.get_by_role("list", name="What was applied").get_by_role("listitem").first).to_be_visible()


def test_copies_are_those_of_the_service(page, ask, sample):
    outputs = ask(sample, policy={"preset": "light"}, copies=4, seed=7, format="json").json()["outputs"]

    expected = [base64.b64decode(output["file"]) for output in outputs]
    assert digest_all(expected) == digest_all(read_grid(page, COPIES))


def test_an_address_holds_policy_seed_and_copies_and_steps_that_are_off(page, visitor):
    page.get_by_role("checkbox", name="contrast is on").uncheck()
    page.get_by_label("Seed", exact=True).fill("9")
    wait_until_drawn(page, 4, seed=9)

    again = visitor.open(page.url)

    wait_until_drawn(again, 4, seed=9)
    assert ["affine", "brightness", "contrast"] == list_steps(again)
    expect(again.get_by_role("checkbox", name="contrast is on")).not_to_be_checked()
    assert ["affine", "brightness"] == [op["op"] for op in read_policy(again)["ops"]]
    assert digest_all(read_grid(page, COPIES)) == digest_all(read_grid(again, COPIES))


def test_a_preset_is_begun_with_and_going_back_brings_what_was_there(page):
    expect(page.get_by_label("Start from a preset")).to_have_value("light")
    before = first_source(page)

    page.get_by_label("Start from a preset").select_option("cifar-standard")

    wait_until_changed(page, before)
    assert ["shift", "flip"] == list_steps(page)
    page.go_back()
    expect(page.locator(COPIES).first).to_have_attribute("src", before)
    assert ["affine", "brightness", "contrast"] == list_steps(page)


def test_a_step_is_added_and_set_by_a_form_of_its_schema(page):
    add_operation(page, "rotate")
    group = page.get_by_role("group", name="Degrees").last
    expect(page.get_by_role("button", name=re.compile("^rotate"))).to_be_focused()
    before = first_source(page)

    group.get_by_label("Degrees, to").first.fill("90")
    group.get_by_label("Degrees, from").first.fill("80")
    page.get_by_label("Fill").select_option("wrap")
    page.get_by_label("Chance", exact=True).fill("1")

    expect(page.get_by_label("Start from a preset")).to_have_value("")
    assert {"op": "rotate", "degrees": [80, 90], "fill": "wrap"} == read_policy(page)["ops"][3]
    wait_until_changed(page, before)


def test_a_range_follows_its_slider(page):
    page.get_by_role("button", name=re.compile("^brightness")).click()
    low, high = page.get_by_role("group", name="Factor").locator("input[type=range]").all()

    low.evaluate("(one) => { one.value = 150; one.dispatchEvent(new Event('input', { bubbles: true })); }")

    assert {"op": "brightness", "factor": [3, 3]} == read_policy(page)["ops"][1]
    assert 150 == float(high.input_value())


def test_steps_are_moved_and_removed_by_keyboard(page):
    page.get_by_role("button", name=re.compile("^contrast")).focus()
    page.keyboard.press("Alt+ArrowUp")
    assert ["affine", "contrast", "brightness"] == list_steps(page)
    expect(page.get_by_role("button", name=re.compile("^contrast"))).to_be_focused()

    page.get_by_role("button", name="Move up contrast").press("Enter")
    assert ["contrast", "affine", "brightness"] == list_steps(page)

    page.get_by_role("button", name="Remove affine").press("Enter")
    assert ["contrast", "brightness"] == list_steps(page)
    expect(page.get_by_role("button", name=re.compile("^brightness"))).to_be_focused()


def test_a_group_holds_steps_with_weights_and_takes_steps_that_are_moved_into_it(page):
    add_operation(page, "one of")
    expect(page.get_by_text("Holds nothing yet")).to_be_visible()
    add_operation(page, "flip", "Add to one of")
    page.get_by_label("Weight").fill("3")
    page.get_by_role("button", name=re.compile("^contrast")).focus()
    page.keyboard.press("Alt+ArrowDown")

    assert ["affine", "brightness", "one_of"] == list_steps(page)
    group = read_policy(page)["ops"][2]
    assert ["contrast", "flip"] == [op["op"] for op in group["ops"]]
    assert [1, 3] == group["weights"]
    expect(page.locator("#problem")).to_be_empty()


def test_what_the_service_refuses_is_said_at_its_field(page, visitor):
    visitor.watch.allow(REFUSED)
    before = first_source(page)
    page.get_by_role("button", name=re.compile("^brightness")).click()

    page.get_by_role("group", name="Factor").get_by_label("Factor, to").first.fill("0.5")

    expect(page.locator(".step[data-wrong]")).to_contain_text("the lower end of a range comes first")
    expect(page.get_by_role("group", name="Factor").get_by_label("Factor, to").first).to_have_attribute(
        "aria-invalid", "true"
    )
    assert before == first_source(page)
    page.get_by_role("group", name="Factor").get_by_label("Factor, to").first.fill("1.5")
    expect(page.locator("[aria-invalid=true], .step[data-wrong]")).to_have_count(0)
    wait_until_drawn(page, 4)


def test_json_that_is_pasted_becomes_steps_and_what_is_wrong_is_named_by_its_line(page, visitor):
    visitor.watch.allow(REFUSED)
    area = open_json(page)
    area.fill('{"ops": [\n  {"op": "invert"},\n  {"op": "one_of", "ops": [{"op": "flp"}]}\n]}')

    errors = page.get_by_role("list", name="What is wrong in the JSON")
    expect(errors).to_contain_text("Line 3 /ops/1/ops/0: unknown name; did you mean flip?")
    expect(page.locator(".step[data-op=flp] > .error-text")).to_be_visible()
    area.fill('{"ops": [\n  {"op": "invert"}\n  {"op": "flip"}\n]}')
    expect(errors).to_contain_text("Line 3: A comma or ] should be here")
    area.fill('{"opz": []}')
    expect(errors).to_contain_text("Line 1: a policy is")
    area.fill('{"policy": {"ops": [{"op": "invert"}]}, "seed": 5, "copies": 2}')

    wait_until_drawn(page, 2, seed=5)
    assert ["invert"] == list_steps(page)
    expect(errors).to_be_empty()


def test_a_trace_that_is_sent_back_gives_the_same_bytes_and_a_changed_one_does_not(page):
    page.get_by_role("button", name="Copy 2").click()
    expect(page.get_by_role("button", name="Copy 2")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Replay the trace").click()
    expect(page.locator("#replay-verdict")).to_contain_text(re.compile(r"^Same bytes: all [\d,]+\."))

    page.get_by_text("Trace as JSON").click()
    page.locator("#trace-text").fill('[{"op": "flip", "axis": "horizontal"}]')
    page.get_by_role("button", name="Replay the trace").click()
    expect(page.locator("#replay-verdict")).to_contain_text("Another picture")
    expect(page.locator(".replayed img")).to_be_visible()


def test_all_traces_are_replayed_through_groups_and_parts(page):
    ops = [{"op": "slice"}, {"op": "rand_augment"}, {"op": "elastic"}]
    open_json(page).fill(json.dumps({"ops": ops}))
    wait_until_drawn(page, 16)

    page.get_by_role("button", name="Replay all, compare bytes").click()

    expect(page.locator("#verdict")).to_contain_text("all 16 files are the same, byte for byte")


def test_traces_of_mixed_images_are_replayed_with_their_partners(page):
    page.get_by_role("button", name="Add a sample").click()
    wait_until_drawn(page, 8)
    open_json(page).fill('{"ops": [{"op": "rotate"}, {"op": "mixup", "fraction": [0.3, 0.6]}]}')
    expect(page.get_by_role("list", name="What was applied")).to_contain_text("mixup")

    page.get_by_role("button", name="Replay all, compare bytes").click()

    expect(page.locator("#verdict")).to_contain_text("all 8 files are the same, byte for byte")


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_an_image_that_is_given_takes_the_place_of_the_first_sample(visitor, ask, event):
    page = visitor.open("/augment?preset=light&copies=2&seed=7")
    wait_until_drawn(page, 2)
    given = draw_image()

    give(page, event, "given.png", given)

    expect(page.locator(".source-name")).to_have_text(["given.png"])
    expect(page.get_by_role("img", name="Original of given.png")).to_be_visible()
    wait_until_drawn(page, 2)
    outputs = ask(given, policy={"preset": "light"}, copies=2, seed=7, format="json").json()["outputs"]
    expected = [base64.b64decode(output["file"]) for output in outputs]
    assert digest_all(expected) == digest_all(read_grid(page, COPIES))


def test_an_image_that_the_browser_cannot_show_is_shown_by_the_service(page, tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(draw_image(kind="TIFF", mode="I;16"))

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(path)

    original = page.get_by_role("img", name="Original of scan.tif")
    expect(original).to_be_visible()
    assert 40 == original.evaluate("image => image.naturalWidth")


def test_a_file_that_is_no_image_is_named(page, visitor):
    visitor.watch.allow("4(15|22)")

    give(page, "drop", "notes.png", b"no image at all")

    expect(page.locator("#source-problem")).to_contain_text("notes.png")
    expect(page.locator(".source-name")).to_have_text(["shapes-1-42-7.png"])


def test_copies_are_saved_as_one_file(page, tmp_path):
    path = take_download(page, page.get_by_role("button", name="Download ZIP"), tmp_path)

    with zipfile.ZipFile(path) as archive:
        pictures = [archive.read(name) for name in archive.namelist() if name.endswith(".png")]
    assert digest_all(read_grid(page, COPIES)) == digest_all(pictures)


def test_code_for_python_and_the_command_line_gives_the_copies_of_the_page(page, tmp_path, sample):
    before = first_source(page)
    add_operation(page, "invert")
    wait_until_changed(page, before)
    expected = digest_all(read_grid(page, COPIES))
    (tmp_path / "images").mkdir()
    for folder in (tmp_path, tmp_path / "images"):
        (folder / "shapes-1-42-7.png").write_bytes(sample)
    open_json(page)
    take_download(page, page.get_by_role("button", name="Save policy.json"), tmp_path)

    python = read_code(page, "#code", "Python") + "\nprint(len(augmented.images))"
    command = read_code(page, "#code", "Command line").split()

    said = subprocess.run([sys.executable, "-c", python], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "4" == said.stdout.split()[-1]
    subprocess.run([sys.executable, "-m", "app", *command[1:]], cwd=tmp_path, capture_output=True, check=True)
    written = sorted((tmp_path / "augmented").glob("*.png"))
    assert expected == digest_all([path.read_bytes() for path in written])


def test_the_code_for_curl_is_the_request_of_the_page(page, ask, sample):
    request = json.loads(re.search(r"request=(\{.*\});type", read_code(page, "#code", "curl"))[1])

    with zipfile.ZipFile(io.BytesIO(ask(sample, **request).content)) as archive:
        pictures = [archive.read(name) for name in archive.namelist() if name.endswith(".png")]

    assert digest_all(read_grid(page, COPIES)) == digest_all(pictures)


def test_nothing_is_wider_than_a_phone(visitor):
    page = visitor.open(f"{SMALL}&policy=", width=360, height=780)
    wait_until_drawn(page, 4)
    page.get_by_role("button", name=re.compile("^affine")).click()

    assert 360 >= page.evaluate("document.documentElement.scrollWidth")


def test_without_an_image_the_page_says_what_to_do(page):
    page.get_by_role("button", name="Remove shapes-1-42-7.png").click()

    expect(page.get_by_text("No image yet")).to_be_visible()
    page.get_by_label("Model whose samples are taken").select_option("mnist-gan@2")
    page.get_by_role("button", name="Add a sample").click()
    expect(page.get_by_role("img", name="Original of mnist-gan")).to_be_visible()
    wait_until_drawn(page, 4)


def test_the_page_goes_on_with_a_key(visitor, guarded):
    shown = visitor.open("/augment?copies=2&seed=7&preset=light", target=guarded)
    visitor.watch.allow("401")
    dialog = shown.get_by_role("dialog", name="A key is needed")

    dialog.get_by_label("Key").fill(make_key("operator"))
    dialog.get_by_label("Key").press("Enter")

    wait_until_drawn(shown, 2)
    expect(shown.locator(".source-name")).to_have_count(1)
