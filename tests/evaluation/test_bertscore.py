"""BERTScore against plain loops over the model's hidden states, and its refusals."""

import math

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast

from cauce.errors import DataRefused, NotFound, UserError
from cauce.evaluation.bertscore import BertScorer, load_bert_scorer
from evaluation.fixtures import ENGLISH, SPANISH
from models.tiny import tiny_model

PAIRS = [*ENGLISH, *SPANISH, ("", ""), ("", "x")]
REFERENCES, ANSWERS = (list(side) for side in zip(*PAIRS, strict=True))


def tokenizer():
    """With tokens before and after each text, as BERT has them."""
    backend = tiny_model("llama").tokenizer.backend_tokenizer
    backend.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", cls_token="<s>", sep_token="</s>"
    )


def tiny_bert(kind=BertModel, layers=4):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=384,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    return kind(config).eval()


@pytest.fixture(scope="module")
def scorer():
    return BertScorer(tiny_bert(), tokenizer(), name="tiny")


def cosine(one, other):
    return float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))


def in_plain_loops(model, reference, answer, layer):
    """One text at a time, no padding, one pair of tokens at a time."""
    sides = []
    for text in (reference, answer):
        ids = tokenizer()(text)["input_ids"]
        with torch.no_grad():
            output = model(input_ids=torch.tensor([ids]), output_hidden_states=True)
        sides.append(output.hidden_states[layer][0].double().numpy())
    expected, found = sides

    def share(own, others):
        best = [max(cosine(one, other) for other in others) for one in own[1:-1]]
        return math.fsum(best) / len(best)

    if min(len(expected), len(found)) == 2:
        return 0.0, 0.0, 0.0
    precision, recall = share(found, expected), share(expected, found)
    return precision, recall, 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("layer", [1, 4])
def test_scores_equal_those_of_plain_loops(layer):
    model = tiny_bert()
    found = BertScorer(model, tokenizer(), name="tiny", layer=layer).scores(
        REFERENCES, ANSWERS, batch_size=4
    )
    for own, reference, answer in zip(found, REFERENCES, ANSWERS, strict=True):
        expected = in_plain_loops(model, reference, answer, layer)
        names = ("bertscore_precision", "bertscore_recall", "bertscore")
        assert tuple(own[name] for name in names) == pytest.approx(expected, abs=2e-6)


def test_the_batch_has_no_influence(scorer):
    alone, together = (scorer.scores(REFERENCES, ANSWERS, batch_size=size) for size in (1, 64))
    for one, other in zip(alone, together, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_equal_texts_score_one_and_nothing_scores_nought(scorer):
    (same, none) = scorer.scores(["Tome agua.", "Tome"], ["Tome agua.", " "], batch_size=2)
    assert same["bertscore"] == pytest.approx(1.0, abs=1e-6)
    assert set(none.values()) == {0.0}


def test_the_signature_names_the_model_and_its_layer(scorer):
    assert set(scorer.signatures) == set(scorer.scores(["a"], ["a"], batch_size=1)[0])
    assert "f1|model:tiny|layer:3 of 4|idf:no" in scorer.signatures["bertscore"]
    with pytest.raises(UserError, match=r"layer is 5; 'tiny' has 4 layers.\n.*from 1 to 4"):
        BertScorer(tiny_bert(), tokenizer(), name="tiny", layer=5)


def test_a_text_that_is_too_long_is_cut_and_that_is_said(scorer):
    long = "Tome agua con la comida. " * 40
    (cut,) = scorer.scores([long], [long], batch_size=1)
    assert cut["bertscore"] == pytest.approx(1.0, abs=1e-6)
    assert "texts cut at 64 tokens" in scorer.signatures["bertscore"]


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_an_encoder_decoder_reads_with_its_encoder_and_a_decoder_reads_too(kind):
    loaded = tiny_model(kind)
    scorer = BertScorer(loaded.model, loaded.tokenizer, name=kind)
    same, other = scorer.scores(["Tome agua."] * 2, ["Tome agua.", "Doce"], batch_size=2)
    assert same["bertscore"] == pytest.approx(1.0, abs=1e-6)
    assert 0 < other["bertscore"] < 0.99


def test_a_scorer_comes_from_a_folder_that_holds_a_head_as_well(tmp_path, scorer):
    tiny_bert(BertForMaskedLM).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    loaded = load_bert_scorer(str(tmp_path), layer=3)
    assert loaded.signatures["bertscore"].count(str(tmp_path)) == 1
    assert loaded.scores(["uno"], ["dos"], batch_size=1)[0]["bertscore"] > 0


def test_what_cannot_be_loaded_is_refused(tmp_path):
    with pytest.raises(NotFound, match="no model 'nowhere'"):
        load_bert_scorer("nowhere")
    tiny_bert(layers=1).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(
        (tmp_path / "config.json")
        .read_text()
        .replace('"num_hidden_layers": 1', '"num_hidden_layers": 2')
    )
    with pytest.raises(DataRefused, match=r"lack 16 tensors .* random\.\n"):
        load_bert_scorer(str(tmp_path))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"no weights as \*\.safetensors"):
        load_bert_scorer(str(tmp_path))
