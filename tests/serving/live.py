"""A real server on a loopback port, and an assistant whose answers are known."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

import uvicorn

from cauce.knowledge.sections.store import DocumentEntry, SectionEntry
from cauce.records import Check, Citation, Language, Message, Reply
from cauce.serving.access import NO_ACCOUNTS, Access
from cauce.serving.app import create_app, listen
from cauce.serving.features import NO_FEATURES, Features
from cauce.serving.queue import Answerer

QUOTE = "Adults take 500 mg every 6 to 8 hours. Do not exceed 3 g a day."


class KnownAnswers:
    """Replies with one section, asks about look-alikes, refuses what it does not know."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s
        self.asked: list[tuple[str, tuple[Message, ...]]] = []
        self.at_work = 0
        self.most_at_work = 0
        self.plain = False
        self.shown: tuple[str, ...] = ()

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        self.plain = plain
        self.shown = tuple(images)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.asked.append((question, tuple(history)))
        time.sleep(self.pause_s)
        self.at_work -= 1
        return self._reply(question)

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        if (source, document_id, section_id, language) != ("demo", "paracetamol", "dose", "en"):
            return None
        document = DocumentEntry(
            1, source, document_id, "1", "Paracetamol", "en", "paracetamol", ""
        )
        return SectionEntry(document, section_id, "dose", "Dose", f"<i>For adults.</i>\n{QUOTE}")

    def _reply(self, question: str) -> Reply:
        if "losec" in question.lower():
            return Reply(
                text="Losec and Losartan look alike.",
                abstained=True,
                reason="two medicines have similar names",
                choices=("Losec", "Losartan"),
            )
        if "break" in question:
            raise RuntimeError("the model broke")
        citation = Citation(
            source="demo",
            id="paracetamol",
            version="1",
            section="dose",
            quote=QUOTE,
            title="Paracetamol · Dose",
            url="https://example.org/paracetamol",
        )
        return Reply(
            text=QUOTE + "\nAsk <b>before</b> giving it to a child.",
            citations=(citation,),
            checks=(Check(name="numbers", passed=True, detail="4 of 4 stand in the section"),),
            generated=True,
        )


@contextlib.contextmanager
def running(
    assistant: Answerer,
    notice: str = "",
    twin: str = "",
    *,
    access: Access = NO_ACCOUNTS,
    features: Features = NO_FEATURES,
) -> Iterator[str]:
    """The base URL of a server that lives as long as the block."""
    app = create_app(
        assistant, model_name="demo", notice=notice, twin=twin, access=access, features=features
    )
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
