"""A browser for tests: where it is, and what a page must not do while it is watched."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Playwright, Request, Response

from tests.rig.server import DEADLINE_S, Target

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ABORTED = "net::ERR_ABORTED"
"""Of requests that the page itself gave up, as by its Stop button."""
OWN_SCHEMES = ("data:", "blob:")


def launch(playwright: Playwright) -> Browser | None:
    """Start Chromium, that of the system or Playwright's own; None where there is neither."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to run as root with one
    with contextlib.suppress(Error):
        return playwright.chromium.launch(executable_path=found, args=arguments, timeout=1000 * DEADLINE_S)
    return None


class Watch:
    """Notes what goes wrong in pages: errors, refusals by the policy, requests that fail or go to others.

    Args:
        context: Whose pages are watched.
        target: The service; requests to any other are wrong.
    """

    def __init__(self, context: BrowserContext, target: Target | str) -> None:
        self._home = target if isinstance(target, str) else target.url
        self._seen: list[str] = []
        self._allowed: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", lambda one: self._seen.append(f"error: {one.error}"))
        context.on("request", self._look_at_request)
        context.on("requestfailed", self._look_at_failure)
        context.on("response", self._look_at_response)

    def allow(self, pattern: str) -> None:
        """Expect what is like this regular expression."""
        self._allowed.append(pattern)

    @property
    def faults(self) -> list[str]:
        """What went wrong and was not allowed."""
        return [one for one in self._seen if not any(re.search(pattern, one) for pattern in self._allowed)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self._seen.append(f"console: {message.text} ({message.location['url']})")

    def _look_at_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self._home}/", *OWN_SCHEMES)):
            self._seen.append(f"to another host: {request.url}")

    def _look_at_failure(self, request: Request) -> None:
        if request.failure != ABORTED:
            self._seen.append(f"failed: {request.url}: {request.failure}")

    def _look_at_response(self, response: Response) -> None:
        if not response.ok and response.status not in {301, 302, 304, 307}:
            self._seen.append(f"answered {response.status}: {response.url}")


class Visitor:
    """Opens pages of a service, each in a browser context of its own, and watches them.

    Args:
        browser: Chromium.
        target: The service that pages are of, unless another is named.
    """

    def __init__(self, browser: Browser, target: Target | str) -> None:
        self._browser = browser
        self._target = target
        self._visits: list[tuple[BrowserContext, Watch]] = []

    @property
    def watch(self) -> Watch:
        """What is watched in the pages that were opened last."""
        return self._visits[-1][1]

    @property
    def faults(self) -> list[str]:
        """What went wrong in any of the pages."""
        return [fault for _, watch in self._visits for fault in watch.faults]

    def open(
        self, path: str, *, target: Target | str | None = None, width: int = 1280, height: int = 900, **options: Any
    ) -> Page:
        """Open a page; further options are those of a browser context."""
        target = target or self._target
        url = target if isinstance(target, str) else target.url
        context = self._browser.new_context(
            base_url=url, viewport={"width": width, "height": height}, accept_downloads=True, **options
        )
        context.set_default_timeout(1000 * DEADLINE_S)
        self._visits.append((context, Watch(context, target)))
        page = context.new_page()
        page.goto(path)
        return page

    def close(self) -> None:
        """Close all pages."""
        for context, _ in self._visits:
            context.close()


@contextlib.contextmanager
def visit(browser: Browser, target: Target | str) -> Iterator[Visitor]:
    """Give a visitor whose pages are closed at the end of the block."""
    visitor = Visitor(browser, target)
    try:
        yield visitor
    finally:
        visitor.close()
