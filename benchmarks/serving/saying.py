"""Assistants that say the same of everything."""

from __future__ import annotations

from collections.abc import Sequence

from cauce.knowledge.sections.store import SectionEntry
from cauce.records import Language, Message, Reply


class Saying:
    """An assistant with one reply, and no section."""

    def __init__(self, said: Reply) -> None:
        self._said = said

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        """The one reply."""
        return self._said

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """None is held."""
        return None


QUIET = Saying(Reply(text="Nothing is known of it.", abstained=True, reason="nothing was found"))
OTHER = Saying(Reply(text="Pregúntelo en su farmacia.", language="es"))
"""Another run, for the arena."""
