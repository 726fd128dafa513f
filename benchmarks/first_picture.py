"""How long a first picture takes: from the command that starts Fount to the file, four ways, each from nothing running.

Each way starts in an empty folder, with the models of this repository, and ends when its file is there; so the time
holds the start of Python, of the service and of its worker. The page is opened in Chromium by Playwright, and done when
every image of its first grid is drawn; a picture of it is the file.
"""

import argparse
import contextlib
import datetime as dt
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from machine import look_at_machine
from page import write_section

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "benchmarks" / "results" / "first-picture.json"
PAGE = ROOT / "docs" / "first-picture.md"
BAR_S = 60.0
DEADLINE_S = 300.0
CHROMIUM = "/usr/bin/chromium"

CURL = """curl -s http://127.0.0.1:{port}/v1/models/mnist-gan/versions/2/samples/1/7.png -o first.png"""
PYTHON = """from app.client import Client
samples = Client("http://127.0.0.1:{port}").sample("mnist-gan", num_samples=16, seed=1)
samples.grid().save("first.png")"""
DRAWN = """() => {
  const images = [...document.querySelectorAll("#grid img")];
  return images.length > 0 && images.length === document.querySelectorAll("#grid li").length
    && images.every((image) => image.complete && image.naturalWidth > 0);
}"""


def main() -> None:
    """Measure every way, and tell; with ``--write``, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"write {FILE.relative_to(ROOT)} and the page")
    arguments = parser.parse_args()
    ways = {name: way for name, way in WAYS.items() if name != "page" or has_browser()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            seconds[name].append(measure(way))
            print(f"{name}: {seconds[name][-1]:.1f} s", flush=True)
    document: dict[str, Any] = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": look_at_machine().describe(),
        "rounds": arguments.rounds,
        "seconds": {
            name: {"median": statistics.median(all_of), "most": max(all_of)} for name, all_of in seconds.items()
        },
    }
    print(render(document))
    if arguments.write:
        FILE.write_text(f"{json.dumps(document, indent=1)}\n", "utf-8")
        write_section(PAGE, "first picture", render(document))
    sys.exit(any(one["most"] > BAR_S for one in document["seconds"].values()))


def measure(way: Callable[[Path], None]) -> float:
    """Go one way in an empty folder; returns seconds until the picture was there.

    Raises:
        RuntimeError: If there is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        way(Path(folder))
        seconds = time.monotonic() - begun
        if not list(Path(folder).glob("*.png")):
            raise RuntimeError("no picture was made")
    return seconds


def by_curl(folder: Path) -> None:
    """Start the service, ask by curl."""
    with serve(folder) as port:
        subprocess.run(["/bin/sh", "-ec", CURL.format(port=port)], cwd=folder, check=True)


def by_python(folder: Path) -> None:
    """Start the service, ask by three lines of Python."""
    with serve(folder) as port:
        subprocess.run([sys.executable, "-c", PYTHON.format(port=port)], cwd=folder, check=True)


def by_command(folder: Path) -> None:
    """Sample without a service."""
    options = ["--repository", str(ROOT / "models"), "-o", "first.png"]
    fount = [sys.executable, "-m", "app", "sample", "mnist-gan", "-n", "16", "--seed", "1", *options]
    subprocess.run(fount, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def by_page(folder: Path) -> None:
    """Start the service, open the page, wait until its first grid is drawn."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may not be installed

    with serve(folder) as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{port}/generate")
        page.wait_for_function(DRAWN, timeout=DEADLINE_S * 1000)
        page.screenshot(path=folder / "first.png")
        browser.close()


WAYS: dict[str, Callable[[Path], None]] = {
    "curl": by_curl,
    "python": by_python,
    "command line": by_command,
    "page": by_page,
}


def has_browser() -> bool:
    """Whether the page can be opened here; says so where not."""
    try:
        import playwright  # noqa: F401, PLC0415 - it may not be installed
    except ImportError:
        print("page: left out, Playwright is not installed")
        return False
    if not Path(CHROMIUM).exists():
        print(f"page: left out, there is no {CHROMIUM}")
        return False
    return True


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[int]:
    """Serve the models of this repository until the block ends; yields the port as soon as it answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [sys.executable, "-m", "app", "serve", "--port", str(port), "--repository", str(ROOT / "models")]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until_served(process)
            yield port
        finally:
            process.kill()


def wait_until_served(process: "subprocess.Popen[str]") -> None:
    """Read the log until the service says its address.

    Raises:
        RuntimeError: If it ends first.
    """
    for line in process.stderr or ():
        if "serves on" in line:
            return
    raise RuntimeError("the service did not start")


def render(document: dict[str, Any]) -> str:
    """Write the table."""
    rows = [f"| {name} | {one['median']:.1f} | {one['most']:.1f} |" for name, one in document["seconds"].items()]
    facts = f"{document['date']} · {document['machine']} · {document['rounds']} rounds, other work on the same cores"
    what = f"seconds from the start to the picture, at most {BAR_S:.0f}"
    head = [
        f"`python benchmarks/first_picture.py` · {facts}; {what}.",
        "",
        "| way | median s | most s |",
        "|---|---:|---:|",
    ]
    return "\n".join([*head, *rows])


if __name__ == "__main__":
    main()
