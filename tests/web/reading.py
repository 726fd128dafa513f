"""What tests read off a page."""

import base64
import hashlib
from pathlib import Path

from playwright.sync_api import Locator, Page

IMAGES = "images => images.map((image) => image.src)"


def read_grid(page: Page, selector: str = "#grid img") -> list[bytes]:
    """Return the files of the images of a grid, in order."""
    return [_decode(source) for source in page.locator(selector).evaluate_all(IMAGES)]


def _decode(source: str) -> bytes:
    head, _, data = source.partition(",")
    assert head == "data:image/png;base64", head
    return base64.b64decode(data)


def read_code(page: Page, host: str, tab: str) -> str:
    """Choose a tab of code, press Copy, and return what is in the clipboard."""
    part = page.locator(host)
    part.get_by_role("tab", name=tab).click()
    shown = part.locator("pre").inner_text()
    part.get_by_role("button", name="Copy").click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == shown
    return copied


def take_download(page: Page, button: Locator, folder: Path) -> Path:
    """Press a button, and return the file that the browser saves, under its own name."""
    with page.expect_download() as download:
        button.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def digest_all(files: list[bytes]) -> list[str]:
    """Digests are compared instead of files: a failure can be read."""
    return [hashlib.sha256(file).hexdigest()[:12] for file in files]
