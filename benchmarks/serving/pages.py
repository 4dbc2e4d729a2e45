"""Do the pages reach anything outside, can everybody use them, and how soon?

    CAUCE_AXE=axe.min.js python -m benchmarks.serving --only pages

Every page is opened in headless Chromium, in light and dark, at 390 and 1280 px, and looked at by
axe-core (WCAG 2.0 and 2.1, A and AA); at 320 px, which is 400 % zoom of 1280, nothing may stick
out sideways. A page that complains in the console (a policy that was broken, a script that failed)
counts as a fault. Needs Chromium, playwright, and the file of axe-core.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import starmap
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import report
from benchmarks.serving.filling import WORK, WithWorks, fill, unfold
from benchmarks.serving.listening import listening
from cauce.assistant.assistant import Assistant
from cauce.assistant.guarded import GuardedAssistant
from cauce.assistant.settings import AssistantSettings
from cauce.knowledge.labels.shelf import open_shelf
from cauce.serving.access import add_person, open_access
from cauce.serving.app import create_app
from cauce.serving.storage import open_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

WIDTHS = (390, 1280)
NARROWEST = 320
HEIGHT = 800
LOADS = 5
NAME, PASSWORD = "ana", "four words are easy"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
AXE = "tags => axe.run(document, {runOnly: tags}).then(found => found.violations)"
USABLE = "() => document.activeElement?.id === 'question' && performance.now()"
IS_WIDER = "() => document.documentElement.scrollWidth > innerWidth"


def stay(page: Page) -> None:
    """Nothing but looking."""


def ask(question: str, then: str) -> Callable[[Page], None]:
    """Asks, and waits for what the answer brings."""

    def act(page: Page) -> None:
        page.fill("#question", question)
        page.keyboard.press("Enter")
        page.wait_for_selector(f"article:last-child {then}", timeout=120_000)

    return act


def open_source(page: Page) -> None:
    """Opens what the answer rests on."""
    ask("¿Cuál es la dosis de ibuprofeno?", ".reference")(page)
    page.locator("article:last-child .reference").first.click()
    page.wait_for_selector("#source[open]")


def give_opinion(page: Page) -> None:
    """Says that the answer is of no use."""
    ask("¿Cuál es la dosis de ibuprofeno?", ".thumb.down")(page)
    page.locator("article:last-child .thumb.down").click()
    page.get_by_text("Guardado").wait_for()


class Visit(NamedTuple):
    """A page, and what is done there before it is looked at."""

    path: str
    act: Callable[[Page], None] = stay


VISITS = (
    Visit("/"),
    Visit("/", ask("¿Para qué sirve el ibuprofeno?", ".deeds")),
    Visit("/", ask("¿Para qué sirve la zzyzxina?", ".deeds")),
    Visit("/", ask("Mi madre no respira y está azul", ".call")),
    Visit("/", open_source),
    Visit("/", give_opinion),
    Visit("/conversations", unfold),
    Visit("/vademecum"),
    Visit("/vademecum?q=i"),
    Visit("/medicine?name=ibuprofeno", unfold),
    Visit("/medicine?name=ibuprofeno&easy=1"),
    Visit("/medicine/changes?name=ibuprofeno"),
    Visit("/compare?a=ibuprofeno&b=paracetamol"),
    Visit("/section?source=vademecum&id=ibuprofen&language=es&section=dose&start=0&length=40"),
    Visit("/nowhere"),
    *starmap(Visit, WORK),
)
"""Every page, as somebody who may see all of them."""


class Looked(NamedTuple):
    """What was found on the pages, in words."""

    outside: list[str]
    violations: list[str]
    complaints: list[str]
    sideways: list[str]


def measure() -> None:
    """The pages of the embedded vademecum, where sections are quoted and no model writes."""
    from playwright.sync_api import sync_playwright

    with served() as url, sync_playwright() as playwright, chromium(playwright) as browser:
        looked = look(browser, url, axe_source())
        kilobytes, seconds = first_load(browser, url)
    for fault in (fault for faults in looked for fault in faults):
        print(fault, file=sys.stderr)
    report("pages/looked at", len(VISITS) + 1, None, "higher")
    report("pages/external requests", len(looked.outside), 0)
    report("pages/axe A and AA violations", len(looked.violations), 0)
    report("pages/complaints in the console", len(looked.complaints), 0)
    report("pages/wider than 320 px", len(looked.sideways), 0)
    report("pages/first load, kB", kilobytes, 100)
    report("pages/input usable, s", seconds, 0.5)


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a server with an account that may do everything."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_database(f"{folder}/app.db") as database,
        open_shelf(None, lambda text: None, Path(folder)) as shelf,
    ):
        person = add_person(database, NAME, "admin", PASSWORD)
        settings = AssistantSettings()
        inner = Assistant(None, shelf.store, settings)
        assistant = GuardedAssistant(inner, settings.guards, country=settings.country)
        features = fill(database, person, Path(folder))
        app = create_app(
            WithWorks(assistant),
            model_name="pages",
            access=open_access(database),
            features=features._replace(shelf=shelf, sees_images=True),
        )
        with listening(app) as url:
            yield url


def axe_source() -> str:
    """The script of axe-core; its file is named by CAUCE_AXE."""
    return Path(os.environ["CAUCE_AXE"]).read_text("utf-8")


@contextlib.contextmanager
def chromium(playwright: Any) -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox"]
    )
    try:
        yield browser
    finally:
        browser.close()


def look(browser: Browser, url: str, axe: str) -> Looked:
    """Every page in both colours and at every width."""
    looked = Looked([], [], [], [])
    for scheme in ("light", "dark"):
        for width in (*WIDTHS, NARROWEST):
            size = {"width": width, "height": HEIGHT}
            context = browser.new_context(viewport=size, color_scheme=scheme, locale="es-ES")
            page = watched(context, url, looked)
            page.goto(f"{url}/login")
            look_at(page, f"/login, {scheme}, {width} px", axe, looked)
            log_in(page)
            for visit in VISITS:
                page.goto(f"{url}{visit.path}")
                visit.act(page)
                look_at(page, f"{visit.path}, {scheme}, {width} px", axe, looked)
            context.close()
    return looked


def log_in(page: Page) -> None:
    """From the log-in page to the first one."""
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#question")


def watched(context: BrowserContext, url: str, looked: Looked) -> Page:
    """A page whose requests and complaints are noted."""
    page = context.new_page()

    def noted(request: Request) -> None:
        if not request.url.startswith((f"{url}/", "data:", "blob:")):
            looked.outside.append(f"{page.url} asked for {request.url}")

    page.on("request", noted)
    page.on("pageerror", lambda error: looked.complaints.append(f"{page.url}: {error}"))
    page.on("console", lambda said: _note_complaint(said.type, said.text, page.url, looked))
    return page


def _note_complaint(kind: str, text: str, address: str, looked: Looked) -> None:
    """A page that is not there is asked for on purpose."""
    if kind in ("error", "warning") and not address.endswith("/nowhere"):
        looked.complaints.append(f"{address}: {text}")


def look_at(page: Page, where: str, axe: str, looked: Looked) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    if page.evaluate(IS_WIDER):
        looked.sideways.append(f"{where}: wider than its window")
    if width not in WIDTHS:
        return
    page.evaluate(axe)
    for found in page.evaluate(AXE, WCAG):
        places = "; ".join(node["html"][:120] for node in found["nodes"][:3])
        looked.violations.append(f"{where}: {found['id']} ({found['help']}): {places}")


def first_load(browser: Browser, url: str) -> tuple[float, float]:
    """kB of the conversation's first load, and the median of seconds until one can type.

    Each load is that of a browser that has seen nothing before but the log-in.
    """
    seconds, kilobytes = [], []
    for _ in range(LOADS):
        context = browser.new_context(viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.goto(f"{url}/login")
        log_in(page)
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        sizes: list[float] = []
        session.on(
            "Network.loadingFinished", lambda it, to=sizes: to.append(it["encodedDataLength"])
        )
        page.goto(f"{url}/", wait_until="commit")
        seconds.append(page.wait_for_function(USABLE).json_value() / 1000)
        page.wait_for_load_state("networkidle")
        kilobytes.append(sum(sizes) / 1000)
        context.close()
    return max(kilobytes), median(seconds)


if __name__ == "__main__":
    measure()
