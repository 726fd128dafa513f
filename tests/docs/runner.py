"""Runs the blocks of one page in order: ``python runner.py BLOCKS.json``; variables of a shell and of Python stay."""

import doctest
import json
import re
import subprocess
import sys
from pathlib import Path

STATE = Path(".variables")
PRELUDE = f"set -aeuo pipefail; if [ -f {STATE} ]; then . ./{STATE} 2>/dev/null; fi\n"
EPILOGUE = f"\nexport -p | grep -vE '^declare -x (PWD|OLDPWD|SHLVL)' > {STATE}\n"
ANYTHING = "…"


def main(path: str) -> None:
    """Run the blocks; the first that fails ends it, and is named by its line."""
    names = {"__name__": "__main__"}
    for block in json.loads(Path(path).read_text(encoding="utf-8")):
        print(f"--- line {block['line']}", flush=True)  # noqa: T201 - shown where a block fails
        if block["language"] == "console":
            run_console(block["body"])
        elif block["language"] != "python":
            run_shell(block["body"])
        elif ">>> " in block["body"]:
            run_session(block["body"], names)
        else:
            exec(compile(block["body"], f"line {block['line']}", "exec"), names)  # noqa: S102 - code of our own pages


def run_shell(body: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(["bash", "-c", f"{PRELUDE}{body}{EPILOGUE}"], check=not options, text=True, **options)


def run_console(body: str) -> None:
    """Run what stands behind ``$``, and compare what it says; an ellipsis stands for anything."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, expected = split_command(part)
        ended = run_shell(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        pattern = ".*?".join(re.escape(" ".join(piece.split())) for piece in expected.split(ANYTHING))
        said = " ".join(ended.stdout.split())
        if not re.fullmatch(pattern, said) or (ended.returncode and not expected.strip()):
            raise SystemExit(f"`{command}` said, with status {ended.returncode}:\n{ended.stdout}")


def split_command(part: str) -> tuple[str, str]:
    """Split a command, with its continuation lines, from what it says."""
    lines = part.splitlines()
    last = next((number for number, line in enumerate(lines) if not line.endswith("\\")), len(lines) - 1)
    return "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


def run_session(body: str, names: dict) -> None:
    test = doctest.DocTestParser().get_doctest(body, names, "page", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, clear_globs=False)
    names.update(test.globs)
    if runner.failures:
        raise SystemExit("a line of the session said something else")


if __name__ == "__main__":
    main(sys.argv[1])
