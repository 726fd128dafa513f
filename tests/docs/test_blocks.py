"""Every block of code runs as it stands, or says why not; the blocks of a page share a folder and their variables."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.folder import prepare
from tests.docs.pages import PAGES, REASONS, ROOT, Block, code_blocks, read
from tests.rig.server import serve

RUNNER = Path(__file__).with_name("runner.py")
BLOCKS = {page: code_blocks(read(page)) for page in PAGES}
RUN = {page: [block for block in blocks if block.reason is None] for page, blocks in BLOCKS.items()}
DEADLINE_S = 120


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service of the shipped models, which pages may publish to."""
    models = tmp_path_factory.mktemp("pages") / "models"
    shutil.copytree(ROOT / "models", models)
    with serve(models) as service:
        service.wait_ready()
        yield service, models


@pytest.mark.parametrize("page", [page for page, blocks in RUN.items() if blocks])
def test_every_block_of_a_page_runs_as_it_stands(page, service, tmp_path):
    running, models = service
    environment = prepare(tmp_path, models)

    ended = run_blocks(RUN[page], tmp_path, environment, running.port)

    assert ended.returncode == 0, ended.stdout
    assert [] == [path.name for path in tmp_path.glob("*.*") if path.stat().st_size == 0]


@pytest.mark.parametrize("page", PAGES)
def test_a_block_that_is_not_run_says_why(page):
    reasons = {block.line: block.reason for block in BLOCKS[page] if block.reason is not None}

    assert {} == {line: reason for line, reason in reasons.items() if reason not in REASONS}


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_hidden_from_the_tests_by_its_place(page):
    fences = re.findall(r"^ *(?:```|~~~).*$", read(page), re.MULTILINE)

    assert [] == [fence for fence in fences if not re.fullmatch(r"```\w*", fence)]


@pytest.mark.parametrize(
    "block",
    [
        Block("sh", "false\n", 1, ""),
        Block("python", "assert False\n", 1, ""),
        Block("python", ">>> 1 + 1\n3\n", 1, ""),
        Block("console", "$ echo one\ntwo\n", 1, ""),
        Block("console", "$ false\n", 1, ""),
    ],
    ids=lambda block: block.body,
)
def test_a_block_that_fails_is_seen(block, tmp_path):
    assert run_blocks([block], tmp_path, prepare(tmp_path, tmp_path), 1).returncode != 0


def test_variables_of_a_shell_and_of_python_stay(tmp_path):
    blocks = [
        Block("sh", "WORD=kept\n", 1, ""),
        Block("python", "word = 1\n", 2, ""),
        Block("console", "$ echo $WORD $((1 + 1))\nkept …\n", 3, ""),
        Block("python", ">>> word\n1\n", 4, ""),
    ]

    ended = run_blocks(blocks, tmp_path, prepare(tmp_path, tmp_path), 1)

    assert ended.returncode == 0, ended.stdout


def run_blocks(blocks, folder, environment, port):
    given = [
        block.as_dict() | {"body": re.sub(r"(localhost|127\.0\.0\.1):8000", rf"\1:{port}", block.body)}
        for block in blocks
    ]
    (folder / ".blocks.json").write_text(json.dumps(given), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(RUNNER), ".blocks.json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
