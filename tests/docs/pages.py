"""The project's Markdown pages, and what stands in them: shell blocks, inline code, headings, links."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n>]+) -->\n\n?)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
RUN = ("sh", "bash", "console", "python")
NOT_RUN = "not run: "
REASONS = {
    "a pattern, with words to be replaced",
    "measures the machine",
    "needs a checkout",
    "needs a cluster",
    "needs a container engine",
    "needs a network",
    "needs data that is not shipped",
    "needs rights on the machine",
    "serves until it is stopped",
    "takes minutes",
}
"""Why a block is not run; `test_blocks.py` takes no others."""
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code, and the line where it begins."""

    language: str
    body: str
    line: int
    mark: str

    @property
    def reason(self) -> str | None:
        """Why it is not run; None where it is."""
        return self.mark.removeprefix(NOT_RUN) if self.mark.startswith(NOT_RUN) else None

    def as_dict(self) -> dict[str, str | int]:
        """Return it as JSON has it."""
        return asdict(self)


def code_blocks(text: str) -> list[Block]:
    """List the blocks of code in languages that are run."""
    return [
        Block(found["language"], found["body"], text.count("\n", 0, found.start("body")), found["mark"] or "")
        for found in FENCE.finditer(text)
        if found["language"] in RUN
    ]


def read(page: str) -> str:
    """Read ``README.md`` or another page, by its path in the repository."""
    return (ROOT / page).read_text(encoding="utf-8")


def shell_blocks(text: str, mark: str | None = None) -> list[str]:
    """List the ``sh`` blocks; with ``mark``, only those right below the comment ``<!-- mark -->``."""
    blocks = [match for match in FENCE.finditer(text) if match["language"] == "sh"]
    return [match["body"] for match in blocks if mark is None or match["mark"] == mark]


def commands(text: str, program: str) -> Iterator[str]:
    """Yield each call of ``program`` in a shell block or in inline code, comments and continuation lines removed."""
    lines = [line for block in shell_blocks(text) for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    for line in [*lines, *inline]:
        call = re.match(rf"(?:\$ |\.venv/bin/)?({program} .*)", re.sub(r"\s#.*$", "", line).strip())
        if call:
            yield call[1].rstrip("& ")


def anchors(text: str) -> set[str]:
    """List the fragments that a link into the page may name."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """List the targets of the page's links and images."""
    return [match["target"] or match["image"] for match in LINK.finditer(FENCE.sub("", text))]
