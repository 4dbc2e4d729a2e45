"""A server where work was done: runs with reports, votes, answers to review, a log, a twin's list.

Everything here was made up for the pages that show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.serving.saying import OTHER
from cauce import audit
from cauce.knowledge.sections.store import SectionEntry
from cauce.records import Citation, DoiMatch, Language, Message, Reference, Reply, Statement
from cauce.report.trust.writing import write_trust
from cauce.runs import Run, write_json
from cauce.serving.access import shown_to
from cauce.serving.features import Features, Opponent
from cauce.serving.queue import Answerer
from cauce.serving.storage import Choice, Shown, User
from cauce.serving.storage.database import Database

if TYPE_CHECKING:
    from playwright.sync_api import Page

SENTENCE = "Dos ensayos lo muestran en mayores de 65 años."
VOTES: tuple[Choice, ...] = ("left", "left", "left", "right", "tie", "neither")


class WithWorks:
    """An assistant that besides has one sentence with works, one of them retracted."""

    def __init__(self, inner: Answerer) -> None:
        self._inner = inner

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        """The sentence for whoever asks for trials, else what the assistant says."""
        if "ensayos" not in question:
            return self._inner.reply(question, history, plain=plain, images=images)
        return cited(SENTENCE, works())

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The assistant's own."""
        return self._inner.section(source, document_id, section_id, language)


def works() -> tuple[Reference, ...]:
    """A work that stands, and one that was retracted."""
    match = DoiMatch(score=1.0, margin=1.0, source="printed", retracted=True)
    return (
        Reference(id="B1", title="Falls and sleep", authors=("Roca, A.", "Pi, B."), doi="10.1/a"),
        Reference(id="B2", title="Sleep again", year="2011", doi="10.1/a2", match=match),
    )


def cited(text: str, named: Sequence[Reference]) -> Reply:
    """The reply of a research assistant that shows one sentence with these works."""
    lines = [f"→ {work.title}. https://doi.org/{work.doi}" for work in named]
    said = "\n".join([text, *lines])
    return Reply(
        text=said,
        statements=(Statement(text=said, citation=0),),
        citations=(
            Citation(source="demo", id="one", version="1", section="2", quote=text, language="es"),
        ),
        works=tuple(named),
        language="es",
    )


def fill(database: Database, person: User, folder: Path) -> Features:
    """Leaves in the database what a week of work leaves, and in `folder` a run and a log."""
    asked = database.start_question(person.id, None, "¿Puedo tomarlo con alcohol?")
    database.finish(asked.id, cited("No hay estudios que lo digan.", ()))
    database.add_feedback(person.id, asked.id, "down", consent=True)
    database.add_feedback(person.id, asked.id, "correction", "Mejor no.", consent=True)
    database.consent(person.id, "improve", True)
    database.consent(person.id, shown_to("eva"), True)
    for choice in VOTES:
        shown = Shown(system="demo", text="a"), Shown(system="other", text="b")
        database.add_vote(person.id, "¿Para qué sirve?", *shown, choice)
    audit.append(folder / "log" / "audit-2026-01.jsonl", "replied", {"characters": 20})
    made_run(folder / "runs" / "demo")
    return Features(
        has_articles=True,
        runs=folder / "runs",
        against=Opponent("other", OTHER),
        log=folder / "log",
    )


def made_run(path: Path) -> Run:
    """A run with figures, a report and its evidence of trust."""
    run = Run(path)
    entry = {"finished": "2026-01-02T03:04:05Z", "cpu_s": 1.5, "peak_mb": 90, "outputs": {}}
    done = ("fetch", "evaluate", "report")
    stages = {name: {**entry, "fingerprint": name, "summary": {}} for name in done}
    run.update_manifest(run="demo", seed=7, notice="Datos inventados.", stages=stages, versions={})
    score = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 90}
    systems = {name: {"metrics": {"rougeL": score}} for name in ("tuned", "base")}
    write_json(run.folder("evaluate") / "scores.json", {"systems": systems, "signatures": {}})
    page = "<!doctype html><html lang=en><title>demo</title><style>h1 {color: red}</style><h1>demo"
    (run.folder("report") / "report.html").write_text(page)
    write_trust(run)
    return run


def send(page: Page, question: str = "") -> None:
    """Sends the first form of the page, and waits for the page that follows."""
    if question:
        page.fill("#question", question)
    with page.expect_navigation():
        page.locator("main form button").first.click()


def unfold(page: Page) -> None:
    """Opens everything that is folded away."""
    page.evaluate("() => document.querySelectorAll('details').forEach(it => { it.open = true })")


def look_for_works(page: Page) -> None:
    """Asks for publications, and finds some."""
    send(page, "¿Qué ensayos hay?")
    page.wait_for_selector(".works")


def look_in_vain(page: Page) -> None:
    """Asks for publications, and finds none."""
    send(page, "¿Qué es la zzyzxina?")


def compare(page: Page) -> None:
    """Asks for two answers."""
    send(page, "¿Para qué sirve el ibuprofeno?")
    unfold(page)


def vote(page: Page) -> None:
    """Asks for two answers and chooses one."""
    compare(page)
    send(page)


def open_user(page: Page) -> None:
    """From the list of users to the page of the first."""
    with page.expect_navigation():
        page.locator("main tbody a").first.click()
    unfold(page)


def make_token(page: Page) -> None:
    """Makes a token, which is told once."""
    unfold(page)
    page.fill("#label", "guion")
    with page.expect_navigation():
        page.locator("details form:has(#label) button").click()
    unfold(page)


WORK: tuple[tuple[str, Callable[[Page], None]], ...] = (
    ("/research", lambda page: None),
    ("/research", look_for_works),
    ("/research", look_in_vain),
    ("/twins", lambda page: None),
    ("/runs", lambda page: None),
    ("/runs/demo", lambda page: None),
    ("/arena", lambda page: None),
    ("/arena", compare),
    ("/arena", vote),
    ("/reviews", unfold),
    ("/account", make_token),
    ("/admin", lambda page: None),
    ("/admin/checks", lambda page: None),
    ("/admin/users", lambda page: None),
    ("/admin/users", open_user),
)
"""The pages with what is done there before they are looked at."""
