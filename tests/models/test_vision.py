"""Vision-language models from a folder and from nothing; what they write, batched and streamed."""

from __future__ import annotations

import json

import pytest
import torch

from cauce.corpus.pairs import pair_of
from cauce.errors import RecipeError, UserError
from cauce.models.generation import generate, stream
from cauce.models.loading import load_folder
from cauce.models.new import new_model, refuse_impossible
from cauce.models.prediction import predict
from cauce.models.prefix import tokens_of_example
from cauce.models.settings import NewModelSettings
from cauce.models.tuned import load_tuned, save_tuned
from cauce.models.vision import language_part
from cauce.records import Message
from cauce.sources.images import image_uri
from cauce.training.objective import batch_of
from seeing import COLOURS, KINDS, SIGHT, TEXT, document_of, make_folder, picture


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_loaded_saved_and_writes_the_same_batched_and_streamed(kind, tmp_path):
    loaded = load_folder(make_folder(kind, tmp_path / "base"), name=kind)
    save_tuned(loaded, tmp_path / "saved")
    again = load_tuned(tmp_path / "saved")
    assert type(again.bare) is type(loaded.bare)
    assert again.template_sha256 == loaded.template_sha256
    assert language_part(loaded.bare) in ("model.language_model", "model.text_model")
    questions = [
        [Message(role="user", content=text, images=(image_uri(picture(colour)),))]
        for text, colour in zip(("Name it.", "Name the colour."), COLOURS, strict=False)
    ]
    written = generate(loaded, questions, max_new_tokens=3, batch_size=2)
    assert written == generate(again, questions, max_new_tokens=3, batch_size=1)
    assert "".join(stream(again, questions[0], max_new_tokens=3)) == written[0].text


def new(**config: object) -> NewModelSettings:
    sizes = {"text_config": {"model_type": "llama", **TEXT}, "vision_feature_layer": -1}
    vision = {"model_type": "clip_vision_model", **SIGHT, "projection_dim": 32}
    return NewModelSettings(
        architecture="llava",
        tokenizer="cauce-mini",
        config={**sizes, "vision_config": vision, **config},
    )


def test_one_is_made_from_nothing_and_comes_back(tmp_path):
    made = new_model(new(), seed=3)
    save_tuned(made, tmp_path / "made")
    loaded = load_folder(tmp_path / "made", name="made")
    example = pair_of(document_of(0, "red"))
    tokens = tokens_of_example(loaded, example, "red")
    assert tokens == tokens_of_example(made, example, "red")
    assert tokens.prompt.count(made.bare.config.image_token_index) == 16
    first, second = (predict(it.model, batch_of(it, [[tokens]])) for it in (made, loaded))
    assert torch.equal(first, second)
    other = new_model(new(), seed=4)
    assert not torch.equal(predict(other.model, batch_of(other, [[tokens]])), first)


def test_keys_and_types_that_do_not_exist_are_refused():
    with pytest.raises(RecipeError, match="llava has no such key"):
        refuse_impossible(new(text_confg={}))
    with pytest.raises(RecipeError, match="no language model of type 'smolvlm'"):
        refuse_impossible(NewModelSettings(architecture="smolvlm", tokenizer="cauce-mini"))


def test_a_processor_that_is_code_and_4_bits_are_refused(tmp_path):
    folder = make_folder("llava", tmp_path)
    with pytest.raises(UserError, match=r"Set model\.quantize to none"):
        load_folder(folder, name="llava", quantize="4bit")
    path = folder / "processor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "processor_class": "MyProcessor"}))
    with pytest.raises(UserError, match="code that comes with a model is never run"):
        load_folder(folder, name="llava")
