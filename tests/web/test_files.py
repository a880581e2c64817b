"""The pages' files: every page can be made, and whatever a page or a script loads is there."""

from __future__ import annotations

import posixpath
import re

import pytest

from imagewise.web.files import page_template, render_page, static_files

PAGES = ("index", "models", "model", "runs", "run")
IMPORT = re.compile(r'(?:from|import\() ?"\./([^"]+)"')
FETCHED = "onnxruntime/ort.wasm.min.mjs"  # from npm, by `export --to web`


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_only_files_that_are_there(name: str) -> None:
    up = "../" if name in ("model", "run") else ""
    named = re.findall(r'(?:href|src)="([^"]*static/[^"]*)"', render_page(name))
    assert len(named) > 3
    assert {posixpath.relpath(address, up or ".") for address in named} <= {f"static/{file}" for file in static_files()}


def test_every_script_is_loaded_by_a_page_and_loads_only_what_is_there() -> None:
    files = static_files()
    pages = [*(render_page(name) for name in PAGES), render_page("index", answers="browser")]
    loaded = {address for page in pages for address in re.findall(r'src="[./]*static/([^"]+)"', page)}
    waiting = list(loaded)
    while waiting:
        for name in IMPORT.findall(files[waiting.pop()].decode()):
            assert name in files or name == FETCHED
            if name in files and name not in loaded:
                loaded.add(name)
                waiting.append(name)
    assert loaded == {name for name in files if name.endswith(".js")}


def test_a_name_that_a_script_imports_is_exported_there() -> None:
    files = {name: content.decode() for name, content in static_files().items() if name.endswith(".js")}
    imported = re.compile(r'import \{([^}]+)\} from "\./([^"]+)"')
    for name, content in files.items():
        for names, source in imported.findall(content):
            for wanted in (part.strip() for part in names.split(",") if part.strip()):
                found = re.search(rf"export (?:async )?(?:function|class|const) {wanted}\b", files[source])
                assert found, f"{name} imports {wanted} from {source}"


def test_pages_link_to_each_other_and_mark_where_they_are() -> None:
    pages = [("", "Recognise"), ("models", "Models"), ("runs", "Runs & more")]
    assert re.findall(r'<a href="([^"]+)"( aria-current="page")?', render_page("run", pages=pages))[:3] == [
        ("../", ""),
        ("../models", ""),
        ("../runs", ' aria-current="page"'),
    ]
    assert '<a href="./" aria-current="page">' in render_page("index", pages=pages)
    assert "Runs &amp; more" in render_page("index", pages=pages)


def test_the_page_of_an_error_shows_it_as_text_without_scripts_and_finds_its_files_from_anywhere() -> None:
    values = {"pages": [("", "Recognise")], "answers": "server", "policy": None}
    page = page_template("problem").render(**values, up="../../", title="Not Found", detail="no <b>page</b>")
    assert "no &lt;b&gt;page&lt;/b&gt;" in page
    named = ["../../static/style.css", "../../static/icon.svg", "../../", "../../"]
    assert re.findall(r'(?:href|src)="([^"]*)"', page) == named
    assert "script" not in page.lower()
    assert "aria-current" not in page


def test_the_page_that_answers_by_itself_has_its_policy_and_no_links_to_other_pages() -> None:
    page = render_page("index", answers="browser", policy="default-src 'self'")
    assert '<meta http-equiv="Content-Security-Policy" content="default-src &#39;self&#39;">' in page
    assert 'data-answers="browser"' in page
    assert "<nav" not in page
    assert "http-equiv" not in render_page("index")
