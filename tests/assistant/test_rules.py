"""An assistant that shows its model the safety rules, and one that does not."""

from __future__ import annotations

import pytest

from cauce.assistant.assistant import Assistant
from cauce.assistant.settings import AssistantSettings
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.models.generation import Written
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.safety.guard.rules import system_rules
from cauce.safety.guard.settings import GuardSettings
from documents import medicine

DOSE = "What is the usual dose of ibuprofen?"


@pytest.mark.parametrize("has_rules", [False, True])
def test_the_model_reads_the_rules_before_the_passage_where_the_recipe_says_so(
    tmp_path, monkeypatch, has_rules
):
    shown = []

    def generate(model, prompts, **options):
        shown.extend(prompts)
        return [Written("Adults take 400 mg every 8 hours.", is_finished=True)] * len(prompts)

    monkeypatch.setattr("cauce.assistant.writing.generate", generate)
    build_index(tmp_path / "index.sqlite", [medicine("ibuprofen")])
    index = Index(tmp_path / "index.sqlite")
    settings = AssistantSettings(max_new_tokens=12, guards=GuardSettings(rules=has_rules))
    reply = Assistant(load_base(ModelSettings()), index, settings).reply(DOSE)
    index.close()
    assert reply.generated
    *before, asked = shown[0]
    assert len(before) == has_rules
    assert all(message.content.startswith(system_rules("en")) for message in before)
    assert asked.content.endswith(DOSE) and "400 mg" in asked.content


@pytest.mark.parametrize("says", ["marker", "rules"])
def test_an_answer_that_gives_the_rules_away_is_withheld(tmp_path, monkeypatch, says):
    def generate(model, prompts, **options):
        rules = prompts[0][0].content
        marker = rules.rpartition(" ")[2].strip(".")
        said = f"It is {marker}." if says == "marker" else rules
        return [Written(said, is_finished=True)] * len(prompts)

    monkeypatch.setattr("cauce.assistant.writing.generate", generate)
    build_index(tmp_path / "index.sqlite", [medicine("ibuprofen")])
    index = Index(tmp_path / "index.sqlite")
    settings = AssistantSettings(max_new_tokens=12, guards=GuardSettings(rules=True))
    reply = Assistant(load_base(ModelSettings()), index, settings).reply(DOSE)
    index.close()
    assert not reply.generated
    assert "leak" in [check.name for check in reply.checks if not check.passed]
