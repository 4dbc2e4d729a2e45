"""Safety rules shown before a conversation, to a model that was tuned without them.

Tuning with a safety prompt teaches a model to answer under it; tuned without and served with it, a
model keeps more of what it was aligned with (Lyu et al. 2024, arXiv 2402.18540).
"""

from __future__ import annotations

from collections.abc import Sequence

from cauce.corpus.tokens import render_chat
from cauce.models.upstream import ChatModel
from cauce.records import Message
from cauce.safety.guard.rules import system_rules
from cauce.safety.language import spoken_language

_PROBE = "¶"


def under_rules(
    loaded: ChatModel, messages: Sequence[Message], canary: str = "", record: str = ""
) -> tuple[Message, ...]:
    """The conversation with the rules before it, in the language of its last turn.

    Behind the rules stands the record of the person who asks, where one is given.
    """
    rules = system_rules(spoken_language(messages[-1].content), canary)
    return under(loaded, "\n\n".join(filter(None, (rules, record))), messages)


def under(loaded: ChatModel, text: str, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation with the text before it; as it is where there is no text.

    It is a system turn where the model's chat template shows one, else the beginning of the first
    turn: encoder-decoders read one text, and some templates drop or refuse a system turn.
    """
    if not text:
        return tuple(messages)
    if not loaded.is_encoder_decoder and _shows_system(loaded):
        return (Message(role="system", content=text), *messages)
    first, *rest = messages
    opened = first.model_copy(update={"content": f"{text}\n\n{first.content}"})
    return (opened, *rest)


def _shows_system(loaded: ChatModel) -> bool:
    from jinja2 import TemplateError

    asked = (Message(role="system", content=_PROBE), Message(role="user", content="?"))
    try:
        return _PROBE in render_chat(loaded.tokenizer, asked, add_generation_prompt=True)
    except TemplateError:
        return False
