"""Code that pages offer, run as it stands."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx

from tests.rig.server import DEADLINE_S, VARIABLES


def run_shell(text: str, folder: Path, **variables: str) -> str:
    """Run a command of curl in a folder, by httpx where there is no curl; return what it printed."""
    if not shutil.which("curl"):
        return _ask_as_curl(text, folder, variables)
    return _run(["/bin/sh", "-ec", text], folder, variables)


def run_python(text: str, folder: Path, **variables: str) -> str:
    """Run lines of Python in a folder; return what they printed."""
    return _run([sys.executable, "-c", text], folder, variables)


def run_fount(text: str, folder: Path, **variables: str) -> str:
    """Run commands of ours in a folder; return what they printed."""
    lines = [shlex.split(line) for line in text.splitlines()]
    assert {"fount"} == {words[0] for words in lines}
    return "".join(_run([sys.executable, "-m", "app", *words[1:]], folder, variables) for words in lines)


def _run(command: list[str], folder: Path, variables: dict[str, str]) -> str:
    own = {"NO_PROXY": "*", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        command,
        cwd=folder,
        env=VARIABLES | own | variables,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def _ask_as_curl(text: str, folder: Path, variables: dict[str, str]) -> str:
    words = iter(shlex.split(text.replace("$FOUNT_API_KEY", variables.get("FOUNT_API_KEY", ""))))
    assert "curl" == next(words)
    asked: dict = {"method": None, "headers": {}, "content": None, "files": {}, "url": None, "output": None}
    for word in words:
        _take_word(word, words, asked, folder)
    method = asked["method"] or ("POST" if asked["content"] or asked["files"] else "GET")
    options = {"content": asked["content"]} if asked["content"] else {"files": asked["files"] or None}
    answer = httpx.request(
        method, asked["url"], headers=asked["headers"], timeout=DEADLINE_S, trust_env=False, **options
    ).raise_for_status()
    if asked["output"]:
        (folder / asked["output"]).write_bytes(answer.content)
        return ""
    return answer.text


def _take_word(word, words, asked, folder):
    if word == "-X":
        asked["method"] = next(words)
    elif word == "-H":
        name, _, value = next(words).partition(": ")
        asked["headers"][name] = value
    elif word == "-d":
        asked["content"] = next(words).encode()
    elif word == "-o":
        asked["output"] = next(words)
    elif word == "-F":
        name, file = re.fullmatch(r"(\w+)=@(.+)", next(words)).groups()
        asked["files"][name] = (file, (folder / file).read_bytes())
    elif not word.startswith("-"):
        asked["url"] = word
