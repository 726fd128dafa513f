"""The pages that compare and measure: their shells, and that what their scripts know is what the service does."""

import re
from typing import get_args

import pytest

from app.api.pages.assets import read_assets
from app.api.pages.registry import PAGES
from app.api.pages.shell import render_shell
from app.repository import evaluation
from app.schemas.samples import SampleFormat
from app.schemas.verifications import Verdict

PATHS = ("/compare", "/balance", "/evaluation", "/verify")
FRAME = {"dom.js", "api.js", "copy.js", "shell.js"}

_IMPORT = re.compile(r'\bfrom "\./([\w-]+\.js)";')
_FOUND_BY_ID = re.compile(r'find\("#([\w-]+)"')


@pytest.fixture(params=PATHS)
def page(request):
    return next(one for one in PAGES if one.path == request.param)


def read_script(name):
    return read_assets().files[f"js/{name}"].content.decode()


def read_shell(page):
    return render_shell(page, is_open=True).content.decode()


def list_imported(name, seen):
    """List a script and all that it imports, over any number of steps."""
    if name not in seen:
        seen.add(name)
        for other in _IMPORT.findall(read_script(name)):
            list_imported(other, seen)
    return seen


def test_a_page_has_one_heading_of_its_own_and_nothing_inline(page):
    text = read_shell(page)

    assert 1 == text.count("<h1")
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


def test_every_field_has_a_name(page):
    text = read_shell(page)
    named = set(re.findall(r'<label[^>]* for="([\w-]+)"', text))

    fields = re.findall(r"<(?:input|select|textarea)\b[^>]*>", text)

    unnamed = [tag for tag in fields if "aria-label" not in tag and not _is_named(tag, named, text)]
    assert [] == unnamed


def _is_named(tag, named, text):
    identity = re.search(r'id="([\w-]+)"', tag)
    return bool(identity and identity.group(1) in named) or bool(re.search(rf"<label[^>]*>{re.escape(tag)}", text))


def test_what_a_page_fetches_along_is_what_its_script_imports(page):
    imported = list_imported(page.script, set()) - FRAME - {page.script}

    assert imported == set(page.modules)


def test_a_script_finds_what_its_page_has(page):
    scripts = "".join(read_script(name) for name in (page.script, *page.modules) if "generate" not in name)
    made = set(re.findall(r'\bid: "([\w-]+)"', scripts))

    missing = {name for name in _FOUND_BY_ID.findall(scripts) if f'id="{name}"' not in read_shell(page)} - made

    assert set() == missing


def test_every_figure_is_explained():
    text = read_script("figures.js")
    explained = set(re.findall(r"^  (\w+): \{$", text, re.MULTILINE))
    grouped = set(re.findall(r'"(\w+)"', "".join(re.findall(r"families: \[(.*?)\]", text, re.DOTALL))))

    families = set(evaluation._READING_ORDER)

    assert families == explained
    assert families == grouped


def test_figures_differ_on_the_page_when_they_do_on_the_command_line():
    text = read_script("figures.js")

    assert f"const TOLERANCE = {evaluation.TOLERANCE};" in text
    assert f"const COPYING_BELOW = {evaluation.COPYING_BELOW};" in read_script("evaluation-figures.js")


def test_every_verdict_is_put_in_words():
    table = re.search(r"const VERDICTS = \{(.*?)\n\};", read_script("verify.js"), re.DOTALL)

    assert set(get_args(Verdict)) == set(re.findall(r'^  "?([\w-]+)"?: \[', table.group(1), re.MULTILINE))


def test_balanced_samples_are_offered_in_formats_that_there_are():
    table = re.search(r"FORMATS = \[(.*?)\n\];", read_script("balance-delivery.js"), re.DOTALL)

    offered = re.findall(r'\["(\w+)",', table.group(1))

    assert ["zip", "tar", "parquet", "npz"] == offered
    assert set(offered) <= set(SampleFormat)
