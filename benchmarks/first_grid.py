"""How soon the first grid of the web page is there: a service that is ready, a browser that has nothing of it yet.

Each round opens the generator page in a browser context of its own, with an empty cache. The page says when every image
of its first grid was there, in milliseconds since the address was entered; the browser says when it had loaded.
"""

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from first_picture import CHROMIUM, has_browser, serve
from machine import look_at_machine
from page import write_section

PAGE = Path(__file__).resolve().parents[1] / "docs" / "first-picture.md"
BAR_MS = 1000.0
GRID = "() => document.documentElement.dataset.firstGrid"
LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"


def main() -> None:
    """Measure, and tell; with ``--write``, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    if not has_browser():
        sys.exit(1)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as port:
        wait_ready(port)
        rounds = measure(f"http://127.0.0.1:{port}/generate", arguments.rounds)
    text = render(rounds)
    print(text)
    if arguments.write:
        write_section(PAGE, "first grid", text)
    sys.exit(statistics.median(grid - loaded for grid, loaded in rounds) > BAR_MS)


def wait_ready(port: int) -> None:
    """Wait until every model can be asked."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                return
        except OSError:
            time.sleep(0.1)


def measure(url: str, count: int) -> list[tuple[float, float]]:
    """Open the page so many times; returns when its grid was there, and when it had loaded, in ms from its address."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may not be installed

    rounds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for _ in range(count):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.goto(url)
            grid = page.wait_for_function(GRID).json_value()
            rounds.append((float(grid), float(page.evaluate(LOADED))))
            context.close()
        browser.close()
    return rounds


def render(rounds: list[tuple[float, float]]) -> str:
    """Write the table."""
    after_load = [grid - loaded for grid, loaded in rounds]
    rows = [
        ("from the address to the page", [loaded for _, loaded in rounds]),
        ("from the page to 64 images", after_load),
        ("in all", [grid for grid, _ in rounds]),
    ]
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    bar = f"milliseconds, from the page to its images at most {BAR_MS:.0f}"
    facts = f"{date} · {look_at_machine().describe()} · {len(rounds)} rounds"
    return "\n".join(
        [
            f"`python benchmarks/first_grid.py` · {facts}; {bar}.",
            "",
            "| what | median ms | most ms |",
            "|---|---:|---:|",
            *(f"| {name} | {statistics.median(all_of):.0f} | {max(all_of):.0f} |" for name, all_of in rows),
        ]
    )


if __name__ == "__main__":
    main()
