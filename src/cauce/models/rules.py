"""Safety rules shown before a conversation, to a model that was tuned without them.

Tuning with a safety prompt teaches a model to answer under it; tuned without and served with it, a
model keeps more of what it was aligned with (Lyu et al. 2024, arXiv 2402.18540).
"""

from __future__ import annotations

from collections.abc import Sequence

from cauce.corpus.tokens import render_chat
from cauce.models.loading import LoadedModel
from cauce.records import Message
from cauce.safety.guard.rules import system_rules
from cauce.safety.language import spoken_language

_PROBE = "¶"


def under_rules(
    loaded: LoadedModel, messages: Sequence[Message], canary: str = ""
) -> tuple[Message, ...]:
    """The conversation with the rules before it, in the language of its last turn.

    They are a system turn where the model's chat template shows one, else the beginning of the
    first turn: encoder-decoders read one text, and some templates drop or refuse a system turn.
    """
    rules = system_rules(spoken_language(messages[-1].content), canary)
    if not loaded.is_encoder_decoder and _shows_system(loaded):
        return (Message(role="system", content=rules), *messages)
    first, *rest = messages
    opened = first.model_copy(update={"content": f"{rules}\n\n{first.content}"})
    return (opened, *rest)


def _shows_system(loaded: LoadedModel) -> bool:
    from jinja2 import TemplateError

    asked = (Message(role="system", content=_PROBE), Message(role="user", content="?"))
    try:
        return _PROBE in render_chat(loaded.tokenizer, asked, add_generation_prompt=True)
    except TemplateError:
        return False
