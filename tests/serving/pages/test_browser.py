"""The pages in a real browser: by keyboard, by sight, and by voice."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from benchmarks.serving import pages
from benchmarks.serving.listening import listening

from cauce.records import Reply, Statement
from cauce.serving.access import open_access
from cauce.serving.app import create_app
from cauce.serving.features import Features
from cauce.serving.storage.database import Database
from serving.live import QUOTE, KnownAnswers

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
if shutil.which("chromium") is None:
    pytest.skip("there is no program `chromium`", allow_module_level=True)

ANSWER = "article:last-child .deeds"
IS_WHOLE = """() => {
  const place = (it) => document.querySelector(it).getBoundingClientRect();
  const [card, form] = [place(".emergency .answer"), place("#ask")];
  return card.top >= 0 && card.bottom <= form.top;
}"""
VOICES = """
window.said = [];
class Voices extends EventTarget {
  getVoices() {
    return [{ lang: "en-GB", localService: false, name: "far" },
            { lang: "en-US", localService: true, name: "here" }];
  }
  speak(it) { window.said.push([it.voice.name, it.text]); }
  cancel() {}
}
class Speech extends EventTarget { constructor(text) { super(); this.text = text; } }
Object.defineProperty(window, "speechSynthesis", { value: new Voices() });
window.SpeechSynthesisUtterance = Speech;
"""


class Stating(KnownAnswers):
    """Says what each of its statements rests on, and knows an emergency."""

    def _reply(self, question: str) -> Reply:
        if "breathe" in question:
            text = "Call now. Press hard and fast."
            return Reply(text=text, abstained=True, emergency="breathing", call=("112", "061"))
        reply = super()._reply(question)
        statements = (Statement(text=reply.text, citation=0 if reply.citations else None),)
        start = len("<i>For adults.</i>\n")
        cited = tuple(one.model_copy(update={"start": start}) for one in reply.citations)
        return reply.model_copy(update={"statements": statements, "citations": cited})


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright, pages.chromium(playwright) as opened:
        yield opened


@pytest.fixture
def assistant() -> Stating:
    return Stating()


@pytest.fixture
def url(database: Database, assistant: Stating) -> Iterator[str]:
    access = open_access(database)
    app = create_app(
        assistant, model_name="demo", access=access, features=Features(sees_images=True)
    )
    with listening(app) as address:
        yield address


@pytest.fixture
def page(browser: Any, url: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    opened.goto(url)
    yield opened
    context.close()


def ask(page: Any, question: str) -> None:
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def focused(page: Any) -> str:
    text: str = page.evaluate("document.activeElement.textContent")
    return text


def test_asked_and_read_by_keyboard_alone_with_the_source_beside_the_answer(page) -> None:
    ask(page, "dose of paracetamol?")
    page.wait_for_selector(ANSWER)
    page.focus("#conversation")
    page.keyboard.press("Tab")
    assert focused(page) == "[1]"
    page.keyboard.press("Enter")
    page.wait_for_selector("#source[open]")
    assert focused(page) == "Close the source"
    assert page.inner_text("#source mark") == QUOTE
    panel = page.locator("#source").bounding_box()
    assert panel["x"] > page.locator(".text").bounding_box()["x"] + 400
    page.keyboard.press("Escape")
    assert (page.locator("#source[open]").count(), focused(page)) == (0, "[1]")


def test_the_source_stands_over_the_answer_where_there_is_no_room(page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    ask(page, "dose of paracetamol?")
    page.locator(".reference").click()
    page.wait_for_selector("#source:modal")
    page.keyboard.press("Escape")
    assert page.locator("#source[open]").count() == 0


def test_a_look_alike_is_chosen_and_a_conversation_is_there_when_one_comes_back(page) -> None:
    ask(page, "Losec?")
    page.get_by_role("group", name="Which one do you mean?").wait_for()
    assert page.get_by_text("No answer is given").count() == 0
    page.get_by_role("button", name="Losartan").click()
    page.wait_for_selector("article:nth-child(2) .deeds")
    page.reload()
    page.wait_for_selector("article:nth-child(2)")
    assert page.locator(".asked").nth(1).inner_text().endswith("Losartan")
    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name="Losec?").click()
    page.wait_for_selector("article:nth-child(2)")


def test_whom_to_call_stands_before_what_to_do(page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    ask(page, "dose of paracetamol?")
    page.wait_for_selector(ANSWER)
    page.focus("#question")
    ask(page, "she does not breathe")
    page.wait_for_selector(".emergency .call")
    links = page.locator(".emergency .call a")
    assert [links.nth(place).get_attribute("href") for place in (0, 1)] == ["tel:112", "tel:061"]
    page.wait_for_function(IS_WHOLE)
    order = "(call, text) => call.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING"
    assert page.evaluate(f"({order})(...document.querySelectorAll('.call, .emergency .text'))")


@pytest.mark.parametrize(("status", "told"), [(401, "Log in"), (429, "Wait a moment")])
def test_whoever_is_turned_away_is_told_so_in_their_language(page, status, told) -> None:
    page.route("**/api/conversations", lambda route: route.fulfill(status=status, body="{}"))
    ask(page, "dose of paracetamol?")
    page.locator("article .mark").get_by_text(told).wait_for()
    page.unroute("**/api/conversations")
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_selector(ANSWER)


def test_an_answer_is_stopped_kept_so_and_asked_again(page, database, assistant) -> None:
    assistant.pause_s = 1.0
    ask(page, "dose of paracetamol?")
    page.wait_for_url("**/conversations/*")
    page.locator("#stop").click()
    page.get_by_text("Stopped at your request").wait_for()
    assistant.pause_s = 0.0
    page.reload()
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_selector(ANSWER)
    [conversation] = database.conversations(database.user_named("local").id)
    kept = database.conversation(database.user_named("local").id, conversation.id)
    assert [it.state for it in kept.messages] == ["done"]


def test_whoever_leaves_finds_the_question_to_be_asked_again(page, database, assistant) -> None:
    assistant.pause_s = 0.5
    ask(page, "dose of paracetamol?")
    page.wait_for_url("**/conversations/*")
    page.goto(page.url.partition("/conversations")[0] + "/vademecum")
    page.wait_for_timeout(900)
    page.go_back()
    page.get_by_text("Your question is kept").wait_for()
    assert page.get_by_role("button", name="Ask again").is_visible()


def test_thumbs_and_a_better_answer_are_kept_with_the_consent_that_was_given(
    page, database
) -> None:
    ask(page, "dose of paracetamol?")
    page.get_by_role("button", name="Not useful").click()
    page.get_by_text("Saved.").wait_for()
    page.get_by_label("A model may learn").check()
    page.get_by_label("What should it say?").fill("1 g at most.")
    page.get_by_role("button", name="Save").click()
    page.wait_for_timeout(300)
    [kept] = database.consented()
    assert [(it.kind, it.text) for it in kept.feedback] == [
        ("down", ""),
        ("correction", "1 g at most."),
    ]


def test_a_voice_of_this_machine_reads_and_no_other(browser, url) -> None:
    page = browser.new_page(locale="en-GB")
    page.add_init_script(VOICES)
    page.goto(url)
    ask(page, "dose of paracetamol?")
    page.get_by_role("button", name="Read aloud").click()
    [[voice, text]] = page.evaluate("window.said")
    assert voice == "here" and text.startswith(QUOTE)
    page.close()


def test_a_photo_goes_with_the_question_and_easy_reading_is_remembered(page, assistant) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    photo = {"name": "box.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page.set_input_files("#picture", photo)
    page.wait_for_selector("#shown img")
    page.get_by_label("Easy reading").check()
    page.fill("#question", "what is it?")
    page.keyboard.press("Tab")
    page.locator("#send").click()
    page.wait_for_selector(ANSWER)
    assert assistant.shown[0].startswith("data:image/jpeg;base64,") and assistant.plain
    page.reload()
    page.wait_for_selector("article img")
    assert page.get_by_label("Easy reading").is_checked()


def test_pages_can_be_used_by_everybody_and_reach_nothing_outside(browser) -> None:
    if "CAUCE_AXE" not in os.environ:
        pytest.skip("CAUCE_AXE does not name the file of axe-core")
    looked = pages.Looked([], [], [], [])
    with pages.served() as address:
        context = browser.new_context(viewport={"width": 390, "height": 800}, locale="es-ES")
        page = pages.watched(context, address, looked)
        page.goto(f"{address}/login")
        pages.log_in(page)
        shown = ("/conversations", "/vademecum", "/compare")
        for visit in (one for one in pages.VISITS if one.path.startswith(shown)):
            page.goto(f"{address}{visit.path}")
            visit.act(page)
            pages.look_at(page, visit.path, pages.axe_source(), looked)
        context.close()
    assert looked == ([], [], [], [])
