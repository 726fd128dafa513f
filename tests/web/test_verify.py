import base64
import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import expect

from tests.web.reading import digest_all

GIVE = """({ event, files }) => {
  const transfer = new DataTransfer();
  for (const { name, data } of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
  }
  const options = { bubbles: true, cancelable: true };
  const made = event === "paste"
    ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
    : new DragEvent(event, { ...options, dataTransfer: transfer });
  document.querySelector("#drop").dispatchEvent(made);
}"""


@pytest.fixture(scope="module")
def sample(service):
    with service.open_client() as client:
        return client.get("/v1/models/mnist-gan/versions/2/samples/3/5.png").raise_for_status().content


@pytest.fixture(scope="module")
def foreign():
    file = io.BytesIO()
    Image.linear_gradient("L").resize((28, 28)).save(file, "PNG")
    return file.getvalue()


def give(page, event, **files):
    written = [{"name": f"{name}.png", "data": base64.b64encode(data).decode()} for name, data in files.items()]
    page.evaluate(GIVE, {"event": event, "files": written})


def test_a_file_that_is_chosen_is_computed_again(visitor, service, sample, tmp_path):
    path = tmp_path / "five.png"
    path.write_bytes(sample)
    page = visitor.open("/verify")

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(path)

    card = page.locator("article.verified")
    expect(card.get_by_role("heading", name="Fount made it, and this is the file")).to_be_visible()
    expect(card).to_contain_text("mnist-gan@2")
    expect(card.locator("img")).to_have_count(2)
    link = card.get_by_role("link", name="Permanent link").get_attribute("href")
    with service.open_client() as client:
        assert digest_all([sample]) == digest_all([client.get(link).content])


def test_files_that_are_dropped_are_told_apart(visitor, sample, foreign):
    page = visitor.open("/verify")

    give(page, "dragover", genuine=sample)
    expect(page.locator("#drop")).to_have_attribute("data-over", "")
    give(page, "drop", genuine=sample, foreign=foreign)

    verdicts = page.locator("article.verified h2")
    expect(verdicts).to_have_text(["It does not say which sample it is", "Fount made it, and this is the file"])
    expect(page.locator("#drop")).not_to_have_attribute("data-over", "")


def test_an_image_that_is_pasted_is_verified(visitor, sample):
    page = visitor.open("/verify")

    give(page, "paste", pasted=sample)

    expect(page.locator("article.verified h2")).to_have_text("Fount made it, and this is the file")
    expect(page.locator("#said")).to_contain_text("pasted.png")


def test_a_file_written_again_and_one_that_was_changed_are_told_apart(visitor, sample):
    opened = Image.open(io.BytesIO(sample))
    again = io.BytesIO()
    opened.save(again, "PNG", pnginfo=_keep_text(opened))
    page = visitor.open("/verify")

    give(page, "drop", again=again.getvalue())
    expect(page.locator("article.verified h2").first).to_have_text("Fount made this picture")
    page.get_by_role("button", name="one that was changed").click()

    expect(page.locator("article.verified h2").first).to_have_text("This is not the sample that it says to be")
    expect(page.locator("article.verified").first.locator("img")).to_have_count(3)


def _keep_text(image):
    info = PngInfo()
    for name, text in image.text.items():
        info.add_text(name, text)
    return info


def test_what_is_no_image_is_said_to_be_none(visitor):
    page = visitor.open("/verify")

    give(page, "drop", notes=b"no picture")

    expect(page.locator("article.verified")).to_contain_text("This browser cannot show the file.")
    expect(page.locator("article.verified h2")).to_have_text("It does not say which sample it is")
