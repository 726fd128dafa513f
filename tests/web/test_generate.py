import base64
import io
import json
import re
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.rig.proxy import FaultProxy, Faults
from tests.web.reading import digest_all, read_grid, take_download
from tests.web.scenes import wait_for_grid

SMALL = "/generate?model=mnist-gan@2&n=12&seed=7"
SLOW = Faults(bytes_per_s=60_000)


@pytest.fixture
def slow(service):
    """The service behind a line that carries 60 kB a second."""
    with FaultProxy(service.host, service.port, lambda number: SLOW) as proxy:
        yield proxy.url


def wait_until_done(page, count):
    expect(page.locator("#status")).to_contain_text(re.compile(rf"· {count} in "))
    expect(page.locator("#grid img")).to_have_count(count)


def read_pixels(png):
    return Image.open(io.BytesIO(png)).tobytes()


def choose_seed(page, seed):
    page.get_by_label("Seed", exact=True).fill(str(seed))
    page.get_by_label("Seed", exact=True).press("Enter")


def test_the_first_grid_is_complete_and_says_how_long_it_took(visitor):
    page = visitor.open("/generate")

    wait_for_grid(page)

    assert 0 < int(page.locator("html").get_attribute("data-first-grid"))
    wait_until_done(page, 64)
    assert 64 == len(set(read_grid(page)))


def test_an_address_holds_the_request_and_going_back_goes_back(visitor):
    page = visitor.open(f"{SMALL}&class=3")
    wait_until_done(page, 12)
    threes = read_grid(page)
    expect(page.get_by_role("button", name="3", exact=True)).to_have_attribute("aria-pressed", "true")

    choose_seed(page, 8)
    wait_until_done(page, 12)
    expect(page).to_have_url(re.compile("n=12&seed=8&class=3"))
    assert not set(threes) & set(read_grid(page))
    page.go_back()

    expect(page.get_by_label("Seed", exact=True)).to_have_value("7")
    wait_until_done(page, 12)
    page.wait_for_function("first => document.querySelector('#grid img').src === first", arg=_source(threes[0]))
    assert digest_all(threes) == digest_all(read_grid(page))


def _source(png):
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def test_several_classes_are_asked_for_in_equal_numbers(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)

    for name in ("4", "9"):
        page.locator("#classes").get_by_role("button", name=name, exact=True).click()

    expect(page.get_by_text("In equal numbers, class by class.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Class 4, number"))).to_have_count(6)
    expect(page.get_by_role("button", name=re.compile("^Class 9, number"))).to_have_count(6)
    expect(page).to_have_url(re.compile("class=4&class=9"))


def test_number_truncation_and_augmentation_change_the_samples(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)
    before = read_grid(page)

    page.get_by_label("How many", exact=True).fill("5")
    page.get_by_label("How many", exact=True).press("Enter")
    wait_until_done(page, 5)
    assert digest_all(before[:5]) == digest_all(read_grid(page))
    page.get_by_label("Truncation", exact=True).fill("0.4")
    page.get_by_label("Truncation", exact=True).press("Enter")
    expect(page).to_have_url(re.compile("truncation=0.4"))
    page.wait_for_function("first => document.querySelector('#grid img').src !== first", arg=_source(before[0]))
    wait_until_done(page, 5)
    typical = read_grid(page)
    page.get_by_label("Augment").select_option(index=1)
    expect(page).to_have_url(re.compile("preset="))
    page.wait_for_function("first => document.querySelector('#grid img').src !== first", arg=_source(typical[0]))
    wait_until_done(page, 5)

    assert not set(read_grid(page)) & set(typical)


def test_a_wrong_seed_is_said_and_asks_for_nothing(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)

    choose_seed(page, "nine")

    expect(page.get_by_text("A whole number below")).to_be_visible()
    expect(page.get_by_label("Seed", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_url(re.compile("seed=7"))


def test_images_appear_while_the_answer_still_comes(visitor, slow):
    page = visitor.open("/generate?model=mnist-gan@2&n=256&seed=1", target=slow)

    page.wait_for_function("() => document.querySelectorAll('#grid img').length > 0")

    assert "true" == page.locator("#grid").get_attribute("aria-busy")
    assert page.locator("#grid img").count() < 256
    expect(page.locator("#stop")).to_be_enabled()


def test_stop_keeps_what_has_come(visitor, slow):
    page = visitor.open("/generate?model=mnist-gan@2&n=256&seed=1", target=slow)
    page.wait_for_function("() => document.querySelectorAll('#grid img').length > 0")

    page.get_by_role("button", name="Stop").click()

    expect(page.locator("#status")).to_contain_text(re.compile(r"Stopped after \d+ of 256\."))
    shown = int(re.search(r"after (\d+)", page.locator("#status").inner_text())[1])
    assert 0 < shown < 256
    assert shown == page.locator("#grid img").count() == page.locator("#grid li").count()
    expect(page.locator("#stop")).to_be_disabled()


def test_every_image_opens_with_an_address_that_gives_its_bytes(visitor, service):
    page = visitor.open(f"{SMALL}&class=3")
    wait_until_done(page, 12)
    files = read_grid(page)

    page.get_by_role("button", name="Class 3, number 4").click()

    dialog = page.get_by_role("dialog", name="Class 3, number 4")
    address = dialog.get_by_role("link").get_attribute("href")
    with service.open_client() as client:
        assert digest_all([files[4]]) == digest_all([client.get(address).content])
    visitor.watch.allow("/favicon.ico|/samples/7/4.png")  # what browsers add to an image that is opened by itself
    dialog.get_by_role("link").click()
    expect(page).to_have_url(address)
    expect(page.locator("img")).to_have_js_property("naturalWidth", 28)


def test_a_sample_is_downloaded_and_the_view_goes_from_one_to_the_next(visitor, tmp_path):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)
    files = read_grid(page)
    page.locator("#grid button").nth(4).click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_role("button", name="Next").click()
    saved = take_download(page, dialog.get_by_role("button", name="Download PNG"), tmp_path)

    assert "mnist-gan-2-seed7-5.png" == saved.name
    assert digest_all([files[5]]) == digest_all([saved.read_bytes()])
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("#grid button").nth(5)).to_be_focused()


def test_asking_again_compares_every_file(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)

    page.get_by_role("button", name="Ask again, compare bytes").click()

    expect(page.locator("#verdict")).to_have_text("Asked again: all 12 files are the same, byte for byte.")


def test_asking_again_tells_when_a_file_is_another(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)

    def change_one(route):
        lines = route.fetch().text().strip().split("\n")
        first, second, *rest = [json.loads(line) for line in lines]
        changed = [first | {"png": second["png"]}, second, *rest]
        route.fulfill(body="\n".join(json.dumps(one) for one in changed), content_type="application/jsonl")

    page.route("**/v1/samples", change_one)
    page.get_by_role("button", name="Ask again, compare bytes").click()

    expect(page.locator("#verdict")).to_contain_text("11 of 12 files are the same")


def test_a_grid_is_downloaded_as_files(visitor, tmp_path):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)
    files = read_grid(page)

    page.get_by_label("File format").select_option("zip")
    saved = take_download(page, page.get_by_role("button", name="Download"), tmp_path)

    with zipfile.ZipFile(saved) as archive:
        inside = [archive.read(name) for name in archive.namelist() if name.endswith(".png")]
    assert sorted(digest_all(files)) == sorted(digest_all(inside))


def test_a_walk_begins_and_ends_at_its_samples(visitor):
    page = visitor.open(f"{SMALL}&class=3&walk=7.4-9.0x12&walk-class=3")
    wait_until_done(page, 12)
    fourth = read_grid(page)[4]

    page.locator("#walk-view").scroll_into_view_if_needed()

    expect(page.locator("#film img")).to_have_count(12)
    frames = read_grid(page, "#film img")
    assert 12 == len(set(frames))
    assert read_pixels(fourth) == read_pixels(frames[0])


def test_a_walk_goes_between_two_samples_that_were_chosen(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)

    page.locator("#grid button").nth(2).click()
    page.get_by_role("button", name="Walk from here").click()
    expect(page.get_by_label("Seed of the start")).to_be_focused()
    page.get_by_label("Seed of the end").fill("11")
    page.get_by_role("button", name="Walk", exact=True).click()

    expect(page).to_have_url(re.compile(r"walk=7\.2-11\.0x16"))
    expect(page.locator("#film img")).to_have_count(16)
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => document.querySelector('#frame').value > 3")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#frame-label")).to_have_text(re.compile(r"Frame \d+ of 16"))


def test_everything_is_done_by_keyboard(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    _tab_to(page, page.locator("#classes button").first)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name=re.compile("^Class 0, number"))).to_have_count(12)
    _tab_to(page, page.locator("#seed"))
    page.keyboard.press("Control+A")
    page.keyboard.type("19")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("seed=19&class=0"))
    wait_until_done(page, 12)
    _tab_to(page, page.locator("#grid button").first)
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Class 0, number 1")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#grid button").nth(1)).to_be_focused()


def _tab_to(page, locator):
    for _ in range(60):
        page.keyboard.press("Tab")
        if locator.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError("it is not reached by Tab")


def test_a_model_that_is_not_there_is_said_and_another_shown(visitor):
    page = visitor.open("/generate?model=nothing@9&n=4")

    expect(page.get_by_text("There is no nothing@9 here")).to_be_visible()
    wait_until_done(page, 4)
    expect(page).to_have_url(re.compile("model=mnist-gan@2"))


def test_a_service_that_ends_is_said_with_a_way_to_try_again(visitor):
    page = visitor.open(SMALL)
    wait_until_done(page, 12)
    visitor.watch.allow("ERR_CONNECTION|ERR_FAILED|failed: ")

    page.route("**/v1/samples", lambda route: route.abort("connectionrefused"))
    choose_seed(page, 20)
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
    page.unroute("**/v1/samples")
    page.get_by_role("button", name="Try again").click()

    wait_until_done(page, 12)
    expect(page.get_by_role("alert")).to_have_count(0)
