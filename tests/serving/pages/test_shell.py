"""The frame of the pages: languages, places, errors, and nothing from elsewhere."""

from __future__ import annotations

import html
import importlib
import pkgutil
import re
from pathlib import Path

import httpx
import pytest
from benchmarks.serving.calling import client_of

from cauce.serving import wording
from cauce.serving.app import create_app
from cauce.serving.features import Features
from cauce.serving.wording.chat import CHAT, CHAT_OF_ARTICLES
from cauce.serving.wording.shell import SHELL
from serving.live import QUOTE, KnownAnswers

STATIC = Path(wording.__file__).parents[1] / "static"
PAGES = ("/", "/conversations", "/account", "/admin", "/arena", "/section?source=x")
SAID = r'\bwords\.(\w+)|say\("(\w+)"|AnswerError\("(\w+)"'
HTML = {"accept": "text/html"}
WORDINGS = [
    (f"{module.name}.{name}", found)
    for module in pkgutil.iter_modules(wording.__path__)
    for name, found in vars(importlib.import_module(f"{wording.__name__}.{module.name}")).items()
    if name.isupper() and "es" in found
]


@pytest.fixture(scope="module")
def plain() -> httpx.Client:
    """A server where nothing is kept."""
    return client_of(create_app(KnownAnswers(), model_name="demo", notice="<invented> data"))


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "es"),
        ("?lang=en", "es", "en"),
        ("?lang=es", "en", "es"),
        ("?lang=fr", "ca-ES,en;q=0.8", "ca"),
    ],
)
def test_a_page_speaks_the_language_and_its_links_keep_one_that_was_chosen(
    plain: httpx.Client, query: str, accepted: str, language: str
) -> None:
    page = plain.get(f"/{query}", headers={"accept-language": accepted}).text
    assert f'<html lang="{language}">' in page
    assert f"<h1>{html.escape(CHAT[language]['title'])}</h1>" in page  # type: ignore[index]
    chosen = f"?lang={language}" if query else ""
    assert f'class="brand" href="/{chosen}"' in page
    assert "/vademecum" not in page and "/research" not in page
    assert len(re.findall(r'hreflang="\w\w"', page)) == 3


def test_where_articles_are_asked_nothing_speaks_of_medicines() -> None:
    features = Features(has_articles=True)
    client = client_of(create_app(KnownAnswers(), model_name="demo", features=features))
    for language, medicine in (("es", "medicamento"), ("en", "medicine"), ("ca", "medicament")):
        page = client.get(f"/?lang={language}").text
        _, _, welcome = page.partition('id="welcome"')
        assert medicine not in welcome.partition("</div>")[0]
        assert medicine not in page.partition("</title>")[0]
        assert CHAT_OF_ARTICLES[language]["title"] in welcome  # type: ignore[index]


@pytest.mark.parametrize(("name", "found"), WORDINGS)
def test_wording_is_whole_in_every_language(name: str, found: dict[str, dict[str, str]]) -> None:
    assert found["es"].keys() == found["en"].keys() == found["ca"].keys(), name
    for key, texts in ((key, [one[key] for one in found.values()]) for key in found["es"]):
        fields = {tuple(sorted(re.findall(r"{(\w+)}", text))) for text in texts}
        assert all(texts) and len(fields) == 1, f"{name}: {key}"


def test_the_words_of_every_page_are_looked_through() -> None:
    assert {name.split(".")[0] for name, _ in WORDINGS} >= {"chat", "history", "shell", "vademecum"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_no_inline_script_or_style_and_reach_nothing_outside(
    client: httpx.Client, path: str
) -> None:
    page = client.get(path, headers=HTML).text
    assert not re.search(r"\son\w+=|style=|<style|<script>|innerHTML", page)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


@pytest.mark.parametrize("file", sorted(path.name for path in STATIC.iterdir()))
def test_files_of_pages_reach_nothing_outside(file: str) -> None:
    text = (STATIC / file).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|[\"'(]//\w|@import|url\(", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)


def test_every_script_is_asked_for_and_every_word_it_says_exists() -> None:
    scripts = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
    imported = set(re.findall(r'from "./(\w+\.js)"', " ".join(scripts.values())))
    assert scripts.keys() == imported | {"chat.js", "search.js"}
    said = set(re.findall(SAID, " ".join(scripts.values())))
    keys = {key for found in said for key in found if key}
    assert len(keys) > 20 and keys <= CHAT["es"].keys()


def test_an_error_is_a_page_for_a_reader_and_json_for_a_program(plain: httpx.Client) -> None:
    page = plain.get("/nowhere", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert SHELL["es"]["missing"] in page.text
    assert plain.get("/nowhere").json()["error"]["message"].endswith("Not Found.")


def test_whoever_logged_in_is_named_and_can_leave(berta) -> None:
    page = berta.get("/conversations?lang=en", headers=HTML).text
    assert "<span>berta</span>" in page
    [token] = set(re.findall(r'name="csrf" value="(\w+)"', page))
    form = {"data": {"csrf": token}, "headers": {"origin": str(berta.base_url).rstrip("/")}}
    assert berta.post("/logout", **form).status_code == 303
    assert berta.get("/conversations", headers=HTML).headers["location"].startswith("/login")


def test_a_citation_opens_the_exact_span_in_its_section(plain: httpx.Client) -> None:
    place = {"source": "demo", "id": "paracetamol", "language": "en", "section": "dose"}
    asked = {**place, "start": len("<i>For adults.</i>\n"), "length": len(QUOTE), "lang": "es"}
    page = plain.get("/section", params=asked).text
    assert f'<mark id="quote" tabindex="-1">{QUOTE}</mark>' in page
    assert html.escape("<i>For adults.</i>") in page
    missing = plain.get("/section", params={**place, "section": "storage"})
    assert (missing.status_code, "no section storage" in missing.text) == (404, True)
    assert plain.get("/section", params={"source": "demo"}).status_code == 400
    beyond = plain.get("/section", params={**place, "start": 10**6, "length": -3})
    assert '<mark id="quote" tabindex="-1"></mark>' in beyond.text
