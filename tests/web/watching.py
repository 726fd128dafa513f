"""A browser for tests: where it is, and what a page must not do while it is watched."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, Request, Response

from tests.rig.server import DEADLINE_S, Target

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ABORTED = "net::ERR_ABORTED"
"""Of requests that the page itself gave up, as by its Stop button."""
OWN_SCHEMES = ("data:", "blob:")
FIRST_ERROR = 400


def launch(playwright: Playwright) -> Browser | None:
    """Start Chromium, that of the system or Playwright's own; None where there is neither."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]  # as root it refuses to have one
    with contextlib.suppress(Error):
        return playwright.chromium.launch(executable_path=found, args=arguments, timeout=1000 * DEADLINE_S)
    return None


class Watch:
    """Notes what goes wrong in a page: errors, refusals by the policy, requests that fail or go to others.

    Args:
        page: What is watched.
        home: Address of the service; requests to any other are wrong.
    """

    def __init__(self, page: Page, home: str) -> None:
        self._page = page
        self._home = home
        self._seen: list[str] = []
        self._allowed: list[str] = []
        self._listeners = {
            "console": self._hear,
            "pageerror": lambda error: self._seen.append(f"error: {error}"),
            "request": self._look_at_request,
            "requestfailed": self._look_at_failure,
            "response": self._look_at_response,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)

    def allow(self, pattern: str) -> None:
        """Expect what is like this regular expression."""
        self._allowed.append(pattern)

    def end(self) -> None:
        """Look away."""
        for event, listener in self._listeners.items():
            self._page.remove_listener(event, listener)

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
        if response.status >= FIRST_ERROR:
            self._seen.append(f"answered {response.status}: {response.url}")


class Tabs:
    """Pages that are used by one test after another, for a new one takes longer than most tests.

    Args:
        browser: Chromium.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._kept: dict[str, list[Page]] = {}

    @contextlib.contextmanager
    def borrow(self, home: str, options: dict[str, Any]) -> Iterator[Page]:
        """Give a page of a context with these options; it forgets what it stored when the block ends."""
        kept = self._kept.setdefault(repr((home, sorted(options.items()))), [])
        page = kept.pop() if kept else self._open(home, options)
        yield page
        page.unroute_all()
        page.context.clear_cookies()
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.goto("about:blank")
        kept.append(page)

    def _open(self, home: str, options: dict[str, Any]) -> Page:
        context = self._browser.new_context(base_url=home, accept_downloads=True, **options)
        context.set_default_timeout(1000 * DEADLINE_S)
        return context.new_page()


class Visitor:
    """Opens pages of a service and watches them.

    Args:
        tabs: Where pages are from.
        target: The service that pages are of, unless another is named.
        stack: Gives them back at its end.
    """

    def __init__(self, tabs: Tabs, target: Target | str, stack: contextlib.ExitStack) -> None:
        self._tabs = tabs
        self._target = target
        self._stack = stack
        self._watches: list[Watch] = []

    @property
    def watch(self) -> Watch:
        """What is watched in the page that was opened last."""
        return self._watches[-1]

    @property
    def faults(self) -> list[str]:
        """What went wrong in any of the pages."""
        return [fault for watch in self._watches for fault in watch.faults]

    def open(
        self, path: str, *, target: Target | str | None = None, width: int = 1280, height: int = 900, **options: Any
    ) -> Page:
        """Open a page; further options are those of a browser context."""
        target = target or self._target
        home = target if isinstance(target, str) else target.url
        media = {"color_scheme": "light", "reduced_motion": "no-preference"}
        media |= {name: options.pop(name) for name in media if name in options}
        page = self._stack.enter_context(self._tabs.borrow(home, options))
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(**media)
        watch = Watch(page, home)
        self._stack.callback(watch.end)
        self._watches.append(watch)
        page.goto(path)
        return page


@contextlib.contextmanager
def visit(tabs: Tabs, target: Target | str) -> Iterator[Visitor]:
    """Give a visitor whose pages are given back at the end of the block."""
    with contextlib.ExitStack() as stack:
        yield Visitor(tabs, target, stack)
