"""No secret is in the tree: keys of ours, private keys, and credentials of services that developers use."""

import re

import pytest

from app.api.keys import draw_key
from tests.architecture.source import ROOT

KEPT_HIDDEN = {".ci", ".github", ".dockerignore", ".gitignore", ".gitattributes", ".pre-commit-config.yaml"}
SKIPPED_ENDINGS = {".pyc", ".safetensors", ".png", ".jpg", ".gif", ".npz", ".pdf", ".ico"}
FORMS = {
    "key of ours": r"fount_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b",
    "Google": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "Hugging Face": r"\bhf_[A-Za-z0-9]{34}\b",
    "PyPI": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "credentials in an address": r"\b[a-z][a-z0-9+.-]*://[A-Za-z0-9_.%-]+:[A-Za-z0-9_.%-]{6,}@",
}
PATTERN = re.compile("|".join(f"(?:{form})" for form in FORMS.values()))


def files():
    for path in ROOT.rglob("*"):
        hidden = {part for part in path.relative_to(ROOT).parts if part.startswith(".")} - KEPT_HIDDEN
        if not hidden and path.suffix not in SKIPPED_ENDINGS and path.is_file():
            yield path


def test_no_secret_is_in_the_tree():
    found = [path for path in files() if PATTERN.search(path.read_text(encoding="utf-8", errors="replace"))]

    assert [] == found


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
        "AKIA" + "A" * 16,
        "ghp_" + "a" * 36,
        "hf_" + "a" * 34,
        "https://user:" + "hunter22@example.org",
    ],
)
def test_the_look_for_secrets_can_fail(text):
    assert PATTERN.search(f'SECRET = "{text}"')


def test_a_key_of_ours_would_be_found():
    assert PATTERN.search(f"key={draw_key()}")
