"""Images in prompts: who takes parts, what a typed placeholder is worth, what is read beside."""

from __future__ import annotations

import pytest
import torch

from cauce.corpus.images import image_inputs
from cauce.corpus.pairs import pair_of
from cauce.corpus.tokens import chat_prompt, render_chat, tokenize
from cauce.errors import DataRefused
from cauce.models.loading import LoadedModel, load_folder
from cauce.records import Message
from cauce.sources.images import image_uri
from seeing import KINDS, TEMPLATE, Kind, document_of, make_folder, picture

SHOWN = image_uri(picture("red"))
QUESTION = Message(role="user", content="Name the colour.", images=(SHOWN,))


@pytest.fixture(scope="module", params=KINDS)
def loaded(request, tmp_path_factory) -> LoadedModel:
    kind: Kind = request.param
    return load_folder(make_folder(kind, tmp_path_factory.mktemp(kind)), name=kind)


def prompt(loaded: LoadedModel, *messages: Message) -> list[int]:
    return chat_prompt(loaded.tokenizer, messages, processor=loaded.processor)


def places_of_images(loaded: LoadedModel, ids: list[int]) -> int:
    return ids.count(loaded.bare.config.image_token_id)


def test_an_image_takes_the_places_that_the_processor_gives_it(loaded):
    places = places_of_images(loaded, prompt(loaded, QUESTION))
    assert places in (4, 16)
    two = prompt(loaded, QUESTION.model_copy(update={"images": (SHOWN, SHOWN)}))
    assert places_of_images(loaded, two) == 2 * places
    none = prompt(loaded, QUESTION.model_copy(update={"images": ()}))
    assert places_of_images(loaded, none) == 0
    assert "Name the colour." in loaded.tokenizer.decode(none), "a template of parts is given parts"


def test_a_placeholder_that_a_person_types_is_text(loaded):
    token = loaded.processor.image_token
    typed = Message(role="user", content=f"What is {token}?", images=(SHOWN,))
    assert places_of_images(loaded, prompt(loaded, typed)) in (4, 16)


def test_what_is_learned_is_the_answer_alone(loaded):
    example = pair_of(document_of(0, "red"))
    tokens = tokenize(
        loaded.tokenizer,
        example.messages,
        example.completion,
        is_encoder_decoder=False,
        max_tokens=100,
        processor=loaded.processor,
    )
    assert loaded.tokenizer.decode(tokens.completion) == "red</s>"
    assert tokens.images == example.messages[0].images
    assert tokens.prompt == prompt(loaded, *example.messages)


def test_rows_without_images_stand_beside_rows_with_them(loaded):
    ids = torch.tensor([prompt(loaded, QUESTION), prompt(loaded, QUESTION)])
    both = image_inputs(loaded.processor, [(SHOWN,), (SHOWN,)], ids)
    one = image_inputs(loaded.processor, [(), (SHOWN,)], ids)
    assert image_inputs(loaded.processor, [(), ()], ids) == {}
    assert both.keys() == one.keys()
    assert both["pixel_values"].shape[0] == 2 * one["pixel_values"].shape[0]


def test_a_model_of_text_alone_is_not_shown_images(loaded):
    with pytest.raises(DataRefused, match="reads text alone"):
        chat_prompt(loaded.tokenizer, [QUESTION])


def test_a_template_without_a_place_for_images_is_told(loaded):
    tokenizer = loaded.tokenizer
    before, tokenizer.chat_template = tokenizer.chat_template, TEMPLATE.replace("IMAGE", "")
    try:
        with pytest.raises(DataRefused, match="has no place for 1 image"):
            prompt(loaded, QUESTION)
    finally:
        tokenizer.chat_template = before
    assert render_chat(tokenizer, [QUESTION], add_generation_prompt=True).endswith("Assistant: ")
