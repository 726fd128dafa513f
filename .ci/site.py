"""Build the documentation site into ``site/``: ``python .ci/site.py [serve [PORT]]``, by ``make docs``.

The pages stand in the repository as they are read there, with relative links. They are copied aside with the same
layout, so that each link leads to the same page on the site; what is no page of it (code, tests) becomes plain text.
"""

import contextlib
import functools
import html.parser
import http.server
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
CONFIG = ROOT / "docs" / "zensical.toml"
PAGES = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE")
LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s#]+)(?P<fragment>#[^)\s]*)?\)")
FENCES = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*\ssrc=\"([^\"]+)\"")
REMOTE = re.compile(r"(?:https?:)?//")
STYLED = re.compile(r"url\(\s*[\"']?((?:https?:)?//[^)\"']+)|@import\s+[\"']((?:https?:)?//[^\"']+)")
FETCHED_LINKS = {"stylesheet", "preconnect", "dns-prefetch", "preload", "modulepreload", "icon", "prefetch", "manifest"}


def main(arguments: list[str]) -> None:
    """Build the site, look for what it would fetch from others, and serve it if that was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        copy_pages(Path(folder, "pages"))
        shutil.copy(CONFIG, folder)
        built = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", CONFIG.name],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode != 0:
            sys.exit(f"{built.stdout}{built.stderr}error: the site has warnings, or could not be built; see above")
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.move(Path(folder, "site"), SITE)
    fetched = sorted(set(list_faults(SITE)))
    if fetched:
        sys.exit("error: the site would fetch from others, or what is not there:\n" + "\n".join(fetched))
    print(f"{sum(1 for _ in SITE.rglob('*.html'))} pages in {SITE.name}/", flush=True)
    if arguments[:1] == ["serve"]:
        serve(int(arguments[1]) if len(arguments) > 1 else 8002)


def copy_pages(target: Path) -> None:
    """Copy every page and picture, with the layout of the repository."""
    shutil.copytree(ROOT / "docs", target / "docs", ignore=shutil.ignore_patterns(CONFIG.name))
    for name in PAGES:
        shutil.copy(ROOT / name, target)
    for page in target.rglob("*.md"):
        copy_pictures(page, target)
        parts = FENCES.split(page.read_text(encoding="utf-8"))
        link = functools.partial(rewrite_link, page, target)
        page.write_text("".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts), "utf-8")


def copy_pictures(page: Path, target: Path) -> None:
    """Copy the pictures of a page that lie beside code, such as sheets of models."""
    for found in PICTURE.findall(page.read_text(encoding="utf-8")):
        path = "".join(found)
        copied = (page.parent / path).resolve()
        source = ROOT / copied.relative_to(target.resolve()) if copied.is_relative_to(target.resolve()) else None
        if not REMOTE.match(path) and source is not None and source.is_file() and not copied.exists():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copied)


def rewrite_link(page: Path, target: Path, match: re.Match[str]) -> str:
    """Keep a link to a page, a picture or another site; of any other keep the text."""
    path = match["target"]
    if REMOTE.match(path) or path.startswith("mailto:"):
        return match[0]
    linked = (page.parent / path).resolve()
    index = linked / "README.md"
    if linked.is_dir() and index.is_file() and linked.is_relative_to(target):
        return f"[{match['text']}]({path.rstrip('/')}/README.md{match['fragment'] or ''})"
    if linked.is_file() and linked.is_relative_to(target.resolve()):
        return match[0]
    in_repository = ROOT / page.parent.relative_to(target) / path
    return match["text"] if in_repository.exists() else match[0]  # one that leads nowhere ends the build


class _Fetched(html.parser.HTMLParser):
    """Collects what a browser fetches because it opens a page: from elsewhere, and pictures from here."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        values = {name: value or "" for name, value in attributes}
        fetched = [values.get(name, "") for name in ("src", "srcset", "poster", "data")]
        if tag == "link" and FETCHED_LINKS & set(values.get("rel", "").split()):
            fetched.append(values.get("href", ""))
        self.found += [address for address in fetched if REMOTE.match(address)]
        if tag == "img" and not REMOTE.match(values.get("src", "")):
            self.pictures.append(values.get("src", ""))
        self.found += [one or other for one, other in STYLED.findall(values.get("style", ""))]


def list_faults(site: Path) -> Iterator[str]:
    """Yield what pages and styles fetch from elsewhere, and pictures that are not there, with the file that asks."""
    for path in site.rglob("*.html"):
        parser = _Fetched()
        parser.feed(path.read_text(encoding="utf-8"))
        yield from (f"{path.relative_to(site)}: {address}" for address in parser.found)
        missing = [one for one in parser.pictures if not one.startswith("data:") and not (path.parent / one).is_file()]
        yield from (f"{path.relative_to(site)}: {one}, which is not there" for one in missing)
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        yield from (f"{path.relative_to(site)}: {one or other}" for one, other in STYLED.findall(text))


def serve(port: int) -> None:
    """Serve the built site on loopback until Ctrl-C."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=SITE)
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(f"http://127.0.0.1:{port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
