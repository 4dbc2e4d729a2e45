from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cauce.corpus.tokens import PLAIN_TEMPLATE, chat_prompt
from cauce.errors import DataRefused, NotFound, TemplateMismatch, UserError
from cauce.models import finding
from cauce.models.adapters import attach
from cauce.models.finding import models_dir, pull, resolve
from cauce.models.loading import assemble, load_tokenizer
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from cauce.records import Message
from models.tiny import DECODERS, logits, tiny_decoder, tiny_model
from shared import shared_data


@pytest.mark.parametrize("kind", [*DECODERS, "t5"])
def test_saved_and_loaded_model_gives_the_same_logits(kind, tmp_path):
    loaded = tiny_model(kind)
    save_tuned(loaded, tmp_path / "model")
    again = load_tuned(tmp_path / "model")
    assert torch.equal(logits(again), logits(loaded))
    assert again.template_sha256 == loaded.template_sha256
    assert again.pad_id == loaded.pad_id


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_load_base_takes_a_folder(kind, tmp_path):
    loaded = tiny_model(kind)
    save_tuned(loaded, tmp_path / "base")
    base = load_base(ModelSettings(base=str(tmp_path / "base")))
    assert base.is_encoder_decoder == (kind == "t5")
    assert torch.equal(logits(base), logits(loaded))
    assert next(base.model.parameters()).dtype == torch.float32


def test_save_replaces_the_folder_whole(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "stale.txt").write_text("old")
    save_tuned(tiny_decoder("gpt2"), tmp_path / "model")
    assert not (tmp_path / "model" / "stale.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_another_template_than_the_trained_one_is_refused(tmp_path):
    save_tuned(tiny_decoder("gpt2"), tmp_path / "model")
    template = tmp_path / "model" / "chat_template.jinja"
    template.write_text(template.read_text().replace("Assistant:", "Bot:"))
    with pytest.raises(
        TemplateMismatch, match=r"trained with the chat template \w{8}.*\n.*Restore"
    ):
        load_tuned(tmp_path / "model")


@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_going_on_from_a_model_whose_template_was_changed_is_refused(adapter, tmp_path):
    save_tuned(tiny_decoder("llama"), tmp_path / "base")
    settings = ModelSettings(base=str(tmp_path / "base"), adapter=adapter)
    save_tuned(attach(load_base(settings), settings, seed=0), tmp_path / "model")
    template = tmp_path / "model" / "chat_template.jinja"
    template.write_text(template.read_text().replace("Assistant:", "Bot:"))
    with pytest.raises(
        TemplateMismatch, match=r"trained with the chat template \w{8}.*\n.*Restore"
    ):
        load_base(ModelSettings(base=str(tmp_path / "model")))


def tuned_adapter(kind, folder):
    """A model with an adapter that says something, saved to `folder/model` on `folder/base`."""
    save_tuned(tiny_model(kind), folder / "base")
    settings = ModelSettings(base=str(folder / "base"), adapter="lora", lora_rank=4)
    return say_something(attach(load_base(settings), settings, seed=0), folder / "model")


def say_something(tuned, folder):
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in tuned.model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))
    save_tuned(tuned, folder)
    return tuned


@pytest.mark.parametrize("kind", [*DECODERS, "t5"])
def test_an_adapter_used_as_a_base_is_part_of_it_and_all_of_it_can_be_trained(kind, tmp_path):
    tuned = tuned_adapter(kind, tmp_path)
    base = load_base(ModelSettings(base=str(tmp_path / "model")))
    assert torch.allclose(logits(base), logits(tuned), atol=1e-5)
    assert not torch.allclose(logits(base), logits(tiny_model(kind)), atol=1e-2)
    assert (base.name, base.adapter) == (str(tmp_path / "model"), "none")
    assert all(
        weight.requires_grad and "lora" not in name
        for name, weight in base.model.named_parameters()
    )


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_an_adapter_on_a_model_that_had_one_is_found_again(kind, tmp_path):
    tuned_adapter(kind, tmp_path)
    settings = ModelSettings(base=str(tmp_path / "model"), adapter="lora", lora_rank=2)
    second = say_something(attach(load_base(settings), settings, seed=0), tmp_path / "second")
    assert torch.equal(logits(load_tuned(tmp_path / "second")), logits(second))


def test_an_adapter_on_a_model_of_its_own_run_is_found_where_the_run_is_moved_to(tmp_path):
    run = tmp_path / "demo"
    for folder in (run, run / "improve" / "1"):
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text('{"stages": {}}')
    say_something(tiny_decoder("gpt2"), run / "train" / "model")
    settings = ModelSettings(base=str(run / "train" / "model"), adapter="lora", lora_rank=2)
    promoted = run / "improve" / "1" / "train" / "model"
    tuned = say_something(attach(load_base(settings), settings, seed=0), promoted)
    moved = run.rename(tmp_path / "elsewhere") / promoted.relative_to(run)
    assert torch.equal(logits(load_tuned(moved)), logits(tuned))


def test_an_adapter_used_as_a_base_is_saved_whole_without_another(tmp_path):
    tuned_adapter("llama", tmp_path)
    base = load_base(ModelSettings(base=str(tmp_path / "model")))
    save_tuned(base, tmp_path / "whole")
    assert torch.equal(logits(load_tuned(tmp_path / "whole")), logits(base))


def replace_base(folder, **changes):
    """Another model where the adapter's base was."""
    base = tiny_decoder("llama")
    config = {**base.model.config.to_dict(), "head_dim": None, **changes}
    model = type(base.model)(type(base.model.config)(**config))
    save_tuned(assemble(model, base.tokenizer, name="other"), folder / "base")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"hidden_size": 64}, r"q_proj\.lora_A.*\[4, 32\].*\[4, 64\]"),
        ({"num_hidden_layers": 3}, r"that had 21 tensors, this has 30"),
        ({"num_hidden_layers": 1}, r"that had 21 tensors, this has 12"),
    ],
)
def test_an_adapter_on_a_model_of_another_shape_is_refused(changes, fault, tmp_path):
    tuned_adapter("llama", tmp_path)
    replace_base(tmp_path, **changes)
    with pytest.raises(DataRefused, match=rf"was made for another model .*{fault}.*\n.*Restore"):
        load_tuned(tmp_path / "model")


def test_an_adapter_on_a_model_of_another_vocabulary_is_refused(tmp_path):
    tuned_adapter("llama", tmp_path)
    base = tiny_decoder("llama")
    base.tokenizer.add_tokens(["ibuprofeno"])
    base.model.resize_token_embeddings(len(base.tokenizer))
    save_tuned(base, tmp_path / "base")
    with pytest.raises(DataRefused, match=r"their vocabularies differ.*\n.*Restore"):
        load_tuned(tmp_path / "model")


@pytest.mark.parametrize("adapter", ["none", "lora"])
@pytest.mark.parametrize(("kind", "start"), [("gpt2", None), ("llama", None), ("t5", 0)])
def test_vocabulary_and_decoder_start_are_the_model_s(kind, start, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    assert loaded.decoder_start_id == start
    assert loaded.vocabulary == loaded.model.config.vocab_size == 384


def test_unknown_model_is_refused_with_the_command_that_fetches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CAUCE_MODELS", str(tmp_path))
    with pytest.raises(NotFound, match="cauce models pull nobody/nothing"):
        resolve("nobody/nothing")


def test_a_pulled_model_is_found_by_its_id(tmp_path, monkeypatch):
    monkeypatch.setenv("CAUCE_MODELS", str(tmp_path))
    save_tuned(tiny_decoder("gpt2"), tmp_path / "somebody" / "small")
    assert resolve("somebody/small") == tmp_path / "somebody" / "small"


def test_models_dir_defaults_to_the_user_s_cache(monkeypatch):
    monkeypatch.delenv("CAUCE_MODELS", raising=False)
    assert models_dir() == Path.home() / ".cache" / "cauce" / "models"


def test_pull_fetches_safetensors_and_no_code(tmp_path, monkeypatch):
    asked = {}

    def snapshot_download(model_id, *, local_dir, allow_patterns):
        asked.update(model_id=model_id, patterns=allow_patterns)
        save_tuned(tiny_decoder("gpt2"), local_dir)

    monkeypatch.setenv("CAUCE_MODELS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert pull("somebody/small") == tmp_path / "somebody" / "small"
    assert not {"*.py", "*.bin", "*.pt"} & set(asked["patterns"])


def test_pickled_weights_are_refused(tmp_path):
    save_tuned(tiny_decoder("gpt2"), tmp_path / "base")
    (tmp_path / "base" / "model.safetensors").rename(tmp_path / "base" / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no weights as \*\.safetensors.*\n.*save_pretrained"):
        load_base(ModelSettings(base=str(tmp_path / "base")))


def test_weights_that_lack_a_tensor_are_refused(tmp_path):
    save_tuned(tiny_decoder("llama"), tmp_path / "base")
    path = tmp_path / "base" / "model.safetensors"
    weights = load_file(path)
    weights.pop("model.norm.weight")
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(DataRefused, match=r"lack 1 tensors.*\n?.*model.norm.weight"):
        load_base(ModelSettings(base=str(tmp_path / "base")))


def test_a_folder_that_was_not_tuned_is_refused(tmp_path):
    with pytest.raises(NotFound, match=r"cauce.json is missing.\n.*cauce train"):
        load_tuned(tmp_path)


def test_a_tokenizer_without_end_token_is_refused():
    loaded = tiny_decoder("llama")
    loaded.tokenizer.eos_token = None
    with pytest.raises(UserError, match="no end token"):
        assemble(loaded.model, loaded.tokenizer, name="tiny")


def test_sampling_habits_of_a_published_model_are_dropped(tmp_path):
    save_tuned(tiny_decoder("gpt2"), tmp_path / "base")
    path = tmp_path / "base" / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "repetition_penalty": 1.7}))
    base = load_base(ModelSettings(base=str(tmp_path / "base")))
    assert base.model.generation_config.repetition_penalty is None


def test_embedded_models_stand_in_the_package():
    package = Path(finding.__file__).parent.parent
    assert all(package in folder.parents for folder in finding.EMBEDDED.values())
    files = [file for file in (package / "data").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 25e6, "the package is to stay small"


def test_biogpt_s_own_tokenizer_renders_the_plain_template(tmp_path):
    source = shared_data("tokenizers/biogpt")
    from transformers import BioGptTokenizer

    # The published dictionary is fairseq's: "@@" marks a piece that a word goes on after.
    pieces = [line.rsplit(" ", 1)[0] for line in (source / "dict.txt").read_text().splitlines()]
    tokens = [piece[:-2] if piece.endswith("@@") else f"{piece}</w>" for piece in pieces]
    vocabulary = tmp_path / "vocab.json"
    names = dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", *tokens])
    vocabulary.write_text(json.dumps({token: index for index, token in enumerate(names)}))
    BioGptTokenizer(str(vocabulary), str(source / "bpecodes")).save_pretrained(tmp_path / "saved")
    tokenizer = load_tokenizer(tmp_path / "saved")
    assert tokenizer.eos_token == "</s>"
    tokenizer.chat_template = PLAIN_TEMPLATE
    ids = chat_prompt(tokenizer, [Message(role="user", content="What does aspirin treat?")])
    assert ids[0] == tokenizer.sep_token_id
    assert tokenizer.unk_token_id not in ids
    assert "What does aspirin treat?" in tokenizer.decode(ids)
