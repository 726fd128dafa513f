import re

import pytest

from app.api.pages.assets import read_assets
from app.api.pages.registry import PAGES
from app.api.pages.shell import POLICY
from tests.problems import assert_problem

PATHS = [page.path for page in PAGES]
FRAME = {"shell.js", "api.js", "dom.js", "copy.js"}
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
LABELLED = re.compile(r"<label(?![^>]* for=).*?</label>", re.DOTALL)
ADDRESS = re.compile(r"""(?:href|src)="([^"#]*)""")
IMPORT = re.compile(r"""^import [^;]*?"(\./[^"]+)";""", re.MULTILINE)


def find_scripts():
    return {path: file.content.decode() for path, file in read_assets().files.items() if path.endswith(".js")}


@pytest.fixture
async def guarded(open_client, make_settings):
    return await open_client(make_settings(api_key="master-key-of-tests"))


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_sent_with_a_policy_that_runs_nothing_inline(client, path):
    answer = await client.get(path)

    assert 200 == answer.status_code
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert POLICY == answer.headers["content-security-policy"]
    assert "script-src 'self';" in POLICY
    assert "unsafe" not in POLICY
    assert [] == INLINE.findall(answer.text)


@pytest.mark.parametrize("path", PATHS)
async def test_everything_a_page_names_is_there_and_relative(client, path):
    text = (await client.get(path)).text

    named = [address for address in ADDRESS.findall(text) if address not in {"", "./docs"}]
    assert len(named) > 8
    assert [] == [address for address in named if not address.startswith("./")]
    assert {200} == {(await client.get(address[1:])).status_code for address in named}


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_has_landmarks_one_heading_and_a_place_in_the_navigation(client, path):
    text = (await client.get(path)).text

    assert 1 == len(re.findall(r"<h1\b", text))
    assert 1 == len(re.findall(r'<main id="main"', text))
    assert '<a class="skip" href="#main">' in text
    assert re.search(rf'<li><a href="\.{path}" aria-current="page">', text)
    labels = set(re.findall(r'<label[^>]* for="([^"]+)"', text))
    controls = re.findall(r"<(?:input|select|textarea)\b[^>]*>", LABELLED.sub("", text))
    unnamed = [one for one in controls if "aria-label" not in one and re.search(r'id="([^"]+)"', one)[1] not in labels]
    assert [] == unnamed


@pytest.mark.parametrize("path", PATHS)
async def test_identifiers_of_a_page_are_unique(client, path):
    identifiers = re.findall(r'\bid="([^"]+)"', (await client.get(path)).text)

    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_needs_no_key_and_holds_no_data(guarded, path):
    answer = await guarded.get(path)

    assert 200 == answer.status_code
    assert 'href="./v1' not in answer.text
    assert "tiny" not in answer.text


async def test_what_a_page_shows_first_is_fetched_along_with_it_where_no_key_is_needed(client):
    assert '<link rel="preload" href="./v1/models" as="fetch"' in (await client.get("/")).text


async def test_a_page_takes_any_query_for_it_is_for_its_script(client):
    assert 200 == (await client.get("/generate?model=tiny@1&class=a&class=b&seed=9223372036854775807")).status_code


async def test_a_page_that_a_browser_has_is_not_sent_again(client):
    first = await client.get("/generate")
    again = await client.get("/generate", headers={"If-None-Match": first.headers["etag"]})

    assert "public, no-cache" == first.headers["cache-control"]
    assert (304, b"") == (again.status_code, again.content)
    assert POLICY == again.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("css/ground.css", "text/css"), ("js/api.js", "text/javascript"), ("img/icon.svg", "image/svg+xml")],
)
async def test_a_static_file_is_kept_for_good(guarded, path, media_type):
    address = f"/static/{read_assets().digest}/{path}"
    first = await guarded.get(address)
    again = await guarded.get(address, headers={"If-None-Match": first.headers["etag"]})

    assert 200 == first.status_code
    assert media_type == first.headers["content-type"].split(";")[0]
    assert "public, max-age=31536000, immutable" == first.headers["cache-control"]
    assert (304, b"") == (again.status_code, again.content)


@pytest.mark.parametrize("path", ["js/none.js", "../shell.py", "%2e%2e/shell.py", "", "js"])
async def test_nothing_but_static_files_is_sent(client, path):
    assert_problem(await client.get(f"/static/{read_assets().digest}/{path}"), 404, "not-found")


async def test_a_static_file_of_another_release_is_not_mixed_with_this_one(client):
    assert_problem(await client.get("/static/0123456789abcdef/js/api.js"), 404, "not-found")


def test_scripts_import_what_there_is():
    scripts = find_scripts()

    imports = {f"js/{name[2:]}" for text in scripts.values() for name in IMPORT.findall(text)}
    assert {f"js/{name}" for name in FRAME} <= imports <= set(scripts)


@pytest.mark.parametrize("page", PAGES, ids=PATHS)
def test_modules_that_a_page_imports_are_fetched_along_with_it(page):
    scripts = find_scripts()
    found, waiting = set(), [page.script]
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += [one[2:] for one in IMPORT.findall(scripts[f"js/{name}"]) if one[2:] not in found]

    assert {*page.modules} == found - {page.script} - FRAME


def test_scripts_make_no_markup_of_text_and_call_nobody_else():
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://(?!www\.w3)"
    )

    assert {} == {path: banned.findall(text) for path, text in find_scripts().items() if banned.search(text)}
