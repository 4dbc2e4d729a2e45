"""The rules stand before the conversation, as a system turn where the template shows one."""

from __future__ import annotations

import pytest

from cauce.corpus.tokens import render_chat
from cauce.models.rules import under_rules
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.records import Message
from cauce.safety.guard.rules import system_rules
from models.tiny import tiny_model

TALK = (
    Message(role="user", content="Hola"),
    Message(role="assistant", content="Buenas"),
    Message(role="user", content="¿Cómo se toma la metformina con las comidas?"),
)
DROPS = "{% for m in messages %}{% if m.role != 'system' %}{{ m.content }}{% endif %}{% endfor %}"
REFUSES = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
    "{% endif %}{{ m.content }}{% endfor %}"
)


def test_a_template_that_shows_system_turns_gets_one():
    for loaded in (tiny_model("llama"), load_base(ModelSettings())):
        system, *rest = under_rules(loaded, TALK)
        assert (system.role, system.content) == ("system", system_rules("es"))
        assert tuple(rest) == TALK
        text = render_chat(loaded.tokenizer, (system, *rest), add_generation_prompt=True)
        assert text.index(system_rules("es")) < text.index("Hola")


@pytest.mark.parametrize("template", [DROPS, REFUSES, None])
def test_elsewhere_the_rules_open_the_first_turn(template):
    loaded = tiny_model("t5" if template is None else "llama")
    if template is not None:
        loaded.tokenizer.chat_template = template
    opened = under_rules(loaded, TALK)
    assert [message.role for message in opened] == ["user", "assistant", "user"]
    assert opened[0].content == f"{system_rules('es')}\n\nHola"
    assert opened[1:] == TALK[1:]


def test_the_rules_are_in_the_language_of_the_question():
    asked = Message(role="user", content="How should I take this medicine with my meals?")
    assert under_rules(tiny_model("llama"), [asked])[0].content == system_rules("en")
