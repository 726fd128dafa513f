"""Pictures of every page: ``python -m tests.web.screenshots FOLDER [SCENE…]``; wide and narrow, light and dark."""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.rig.models import publish_models, write_keys
from tests.rig.server import serve
from tests.web.conftest import MODELS
from tests.web.scenes import PAGES, STATES
from tests.web.watching import Tabs, launch, visit

WIDTHS = (1280, 360)
SCHEMES = ("light", "dark")


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenes", nargs="*", help="only these")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        publish_models(scratch / "models")
        write_keys(scratch / "keys.json")
        (scratch / "none").mkdir()
        services = {
            "service": stack.enter_context(serve(MODELS)),
            "guarded": stack.enter_context(serve(scratch / "models", FOUNT_KEYS_FILE=str(scratch / "keys.json"))),
            "empty": stack.enter_context(serve(scratch / "none")),
        }
        services["service"].wait_ready()
        browser = launch(stack.enter_context(sync_playwright()))
        if browser is None:
            sys.exit("error: there is no Chromium here")
        tabs = Tabs(browser)
        for scene in (*PAGES, *STATES):
            if not arguments.scenes or scene.name in arguments.scenes:
                for width in WIDTHS:
                    write_pictures(tabs, services[scene.service], scene, width, arguments.folder)
        browser.close()


def write_pictures(tabs, service, scene, width, folder):
    """Write a scene at one width, in both schemes."""
    with visit(tabs, service) as visitor:
        page = visitor.open(scene.path, width=width, height=900 if width > 600 else 780, reduced_motion="reduce")
        scene.settle(page)
        has_dialog = page.locator("dialog[open]").count() > 0
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            path = folder / f"{scene.name}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=not has_dialog, animations="disabled")
            print(path)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
