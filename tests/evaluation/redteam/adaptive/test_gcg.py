import itertools

import pytest
import torch

from cauce.corpus.tokens import chat_prompt
from cauce.errors import DataRefused
from cauce.evaluation.redteam.adaptive.campaign import adaptive_plan
from cauce.evaluation.redteam.adaptive.gcg import Gcg, GcgSettings, _Search, find_suffix
from cauce.records import Message
from evaluation.redteam.scripted import Scripted
from models.decoders import decoder_with
from models.tiny import tiny_model

SMALL = GcgSettings(passes=130, tokens=4, candidates=24, best=32, batch_size=8)
REQUEST, OPENING = "¿Para qué se utiliza?", "Se utiliza"


def sharpened(kind):
    """Random weights whose answers depend on what they read: they are larger."""
    loaded = decoder_with(kind) if kind == "foundation" else tiny_model(kind)
    with torch.no_grad():
        for weight in loaded.model.parameters():
            weight.mul_({"t5": 1, "foundation": 1.5}.get(kind, 10))
    return loaded


def opening_loss(loaded, text):
    """The loss of the opening behind the prompt, as the model is asked in earnest."""
    prompt = chat_prompt(
        loaded.tokenizer,
        [Message(role="user", content=text)],
        is_encoder_decoder=loaded.is_encoder_decoder,
    )
    opening = torch.tensor([loaded.tokenizer.encode(OPENING, add_special_tokens=False)])
    if loaded.is_encoder_decoder:
        return loaded.model(input_ids=torch.tensor([prompt]), labels=opening).loss
    ids = torch.cat([torch.tensor([prompt]), opening], 1)
    labels = ids.clone()
    labels[:, : len(prompt)] = -100
    return loaded.model(input_ids=ids, labels=labels).loss


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5", "foundation"])
def test_the_loss_falls_and_is_that_of_the_text_that_is_sent(kind):
    loaded = sharpened(kind)
    found = find_suffix(loaded, REQUEST, OPENING, SMALL)
    assert all(later <= before for before, later in itertools.pairwise(found.losses))
    assert found.losses[-1] < 0.95 * found.losses[0]
    assert opening_loss(loaded, REQUEST + found.text).item() == pytest.approx(
        found.losses[-1], rel=1e-3
    )
    assert found.losses[0] == pytest.approx(
        opening_loss(loaded, REQUEST + " !" * 4).item(), rel=1e-3
    )


def test_passes_are_counted_and_never_exceeded():
    loaded = tiny_model("gpt2")
    read = 0

    def count(module, inputs, options):
        nonlocal read
        read += len(options["inputs_embeds"])

    with_hook = loaded.model.register_forward_pre_hook(count, with_kwargs=True)
    found = find_suffix(loaded, REQUEST, OPENING, SMALL)
    with_hook.remove()
    assert read == found.passes <= SMALL.passes


def test_the_same_seed_finds_the_same_and_weights_stay_as_they_are():
    loaded = tiny_model("gpt2")
    before = [weight.clone() for weight in loaded.model.parameters()]
    first, second, third = (
        find_suffix(loaded, REQUEST, OPENING, SMALL, seed=seed) for seed in (0, 0, 1)
    )
    assert first == second != third
    assert all(
        torch.equal(weight, old) and weight.grad is None
        for weight, old in zip(loaded.model.parameters(), before, strict=True)
    )


@pytest.mark.parametrize("kind", ["llama", "t5", "foundation"])
def test_slopes_are_those_of_a_little_more_of_a_token(kind):
    """Against a difference of losses, the token's embedding added in small."""
    loaded = sharpened(kind)
    search = _Search(loaded, REQUEST, OPENING, SMALL)
    suffix = torch.tensor(search._start)
    slopes = search._gradient(suffix)
    table = loaded.model.get_input_embeddings().weight
    ids = search._prompts(suffix[None])
    embedded = loaded.model.get_input_embeddings()(ids).detach()
    place = len(search._before) + 1
    for token in (40, 200):
        step = torch.zeros_like(embedded)
        step[0, place] = 1e-3 * table[token].detach()
        with torch.inference_mode():
            more, less = (search._losses(ids, embedded + sign * step)[0].item() for sign in (1, -1))
        assert slopes[1, token].item() == pytest.approx((more - less) / 2e-3, rel=0.05, abs=2e-3)


def test_an_opening_that_the_model_has_learned_is_reached_at_once():
    loaded = tiny_model("gpt2")
    optimizer = torch.optim.Adam(loaded.model.parameters(), lr=0.01)
    for _ in range(30):
        loss = opening_loss(loaded, REQUEST + " !" * SMALL.tokens)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = find_suffix(loaded, REQUEST, OPENING, SMALL)
    assert found.is_reached and found.passes == 1 and found.text == " !" * SMALL.tokens


def test_the_target_is_sent_the_request_with_its_suffix_once():
    (attempt, *_) = adaptive_plan(["gcg"], goals=1).attempts
    target = Scripted()
    (turn,) = Gcg(tiny_model("gpt2"), SMALL)(attempt, target)
    ((sent, history),) = target.sent
    assert sent == turn.prompt and sent.startswith(attempt.request) and sent != attempt.request
    assert history == () and 0 < turn.passes <= SMALL.passes
    assert turn.way.startswith("gcg: loss ")


def test_a_tokenizer_that_does_not_tell_places_is_refused(monkeypatch):
    loaded = tiny_model("gpt2")
    monkeypatch.setattr(type(loaded.tokenizer), "is_fast", False)
    with pytest.raises(DataRefused, match=r"tokenizer\.json"):
        find_suffix(loaded, REQUEST, OPENING, SMALL)
