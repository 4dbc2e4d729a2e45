from __future__ import annotations

import pytest
import torch

from cauce.models.generation import end_token_ids, generate_identifiers
from cauce.models.identifiers import IdentifierGrammar, OnlyIdentifiers
from cauce.records import Message
from models.tiny import tiny_model

DOIS = [f"doi:10.{1000 + number % 7}/abc.{number}" for number in range(60)] + ["doi:10.1000/abc"]


def written(kind, *, most, **options):
    """What a model with random weights writes after two prompts of unlike length."""
    torch.manual_seed(3)
    loaded = tiny_model(kind)
    ends = end_token_ids(loaded)
    grammar = IdentifierGrammar.of(loaded.tokenizer, DOIS, ends=ends, most=most)
    rows = loaded.tokenizer(["¿Qué?", "¿Qué estudios tratan la fiebre?"], add_special_tokens=False)
    widest = max(map(len, rows["input_ids"]))
    ids = [[loaded.pad_id] * (widest - len(row)) + row for row in rows["input_ids"]]
    mask = [[0] * (widest - len(row)) + [1] * len(row) for row in rows["input_ids"]]
    width = 1 if loaded.is_encoder_decoder else widest
    found = loaded.model.generate(
        input_ids=torch.tensor(ids),
        attention_mask=torch.tensor(mask),
        logits_processor=[OnlyIdentifiers(grammar, width=width)],
        max_new_tokens=120,
        eos_token_id=ends,
        pad_token_id=loaded.pad_id,
        **options,
    )
    texts = loaded.tokenizer.batch_decode(found[:, width:], skip_special_tokens=True)
    assert all(set(row.tolist()) & set(ends) for row in found[:, width:])
    return [text.replace("doi:", "\ndoi:").split() for text in texts]


WAYS = [{"do_sample": False}, {"do_sample": False, "num_beams": 3}, {"do_sample": True}]


@pytest.mark.parametrize("way", WAYS, ids=["greedy", "beams", "sampling"])
@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_whatever_is_written_is_known(kind, way):
    for most in (1, 3):
        answers = written(kind, most=most, **way)
        assert all(1 <= len(answer) <= most for answer in answers)
        assert {doi for answer in answers for doi in answer} <= set(DOIS)


def test_among_known_ones_the_model_chooses():
    torch.manual_seed(3)
    loaded = tiny_model("gpt2")
    grammar = IdentifierGrammar.of(loaded.tokenizer, DOIS, ends=end_token_ids(loaded))
    found = loaded.model.generate(
        input_ids=torch.full((24, 1), 9),
        attention_mask=torch.ones(24, 1, dtype=torch.long),
        logits_processor=[OnlyIdentifiers(grammar, width=1)],
        max_new_tokens=60,
        do_sample=True,
        pad_token_id=loaded.pad_id,
    )
    assert len({tuple(row) for row in found.tolist()}) > 12


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_answers_are_lines_each_once(kind):
    loaded = tiny_model(kind)
    prompts = [[Message(role="user", content=text)] for text in ("¿Qué?", "Which studies?")]
    found = generate_identifiers(loaded, prompts, DOIS, most=3, batch_size=2)
    assert len(found) == 2
    for lines in found:
        assert 1 <= len(lines) <= 3 and len({*lines}) == len(lines)
        assert {*lines} <= {*DOIS}
    assert generate_identifiers(loaded, prompts, [], most=3, batch_size=2) == [[], []]


def test_where_all_is_allowed_scores_stay_as_they_are():
    loaded = tiny_model("gpt2")
    vocabulary = len(loaded.tokenizer)
    grammar = IdentifierGrammar.of(loaded.tokenizer, DOIS, ends=[0])
    scores = torch.randn(1, vocabulary)
    found = OnlyIdentifiers(grammar, width=2)(torch.tensor([[5, 6]]), scores)
    kept = found.isfinite()
    assert kept.sum() == len(grammar.trie.children(0))
    assert torch.equal(found[kept], scores[kept])
