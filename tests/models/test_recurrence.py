from __future__ import annotations

import pytest
import torch
from torch import nn

from cauce.corpus.batches import collate
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.errors import TrainingRefused
from cauce.models.adapters import attach
from cauce.models.prediction import predict, refuse_unpackable
from cauce.models.recurrence import Recurrent, announce_document_starts
from cauce.models.settings import ModelSettings
from models.tiny import tiny_model

KINDS = ("gpt2", "t5")
DOCUMENTS = [
    Tokens([5, 6, 7, 8], [9, 10, 2]),
    Tokens([11, 12], [13, 14, 15, 2]),
    Tokens([16, 17, 18], [19, 2]),
]


class Gated(Recurrent):
    """h' = z h + (1 - z) tanh(W x), z = sigmoid(V x): a gated unit, zero at each start."""

    def __init__(self, width):
        super().__init__()
        self.gate, self.candidate = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, 2.0)

    def forward(self, hidden):
        keep, new = self.gate(hidden).sigmoid(), self.candidate(hidden).tanh()
        state, states = torch.zeros_like(hidden[:, 0]), []
        for place in range(hidden.shape[1]):
            if self.document_starts is not None:
                state = state.masked_fill(self.document_starts[:, place, None], 0.0)
            state = keep[:, place] * state + (1 - keep[:, place]) * new[:, place]
            states.append(state)
        return torch.stack(states, 1)


class Followed(nn.Module):
    """A layer of the model and a recurrent one after it."""

    def __init__(self, layer, recurrent):
        super().__init__()
        self.layer, self.recurrent = layer, recurrent

    def forward(self, hidden, *rest, **options):
        hidden = self.layer(hidden, *rest, **options)
        return hidden + self.recurrent(hidden)


def with_recurrence(kind, sides=("encoder", "decoder")):
    loaded = tiny_model(kind)
    torch.manual_seed(1)
    if kind == "t5":
        for side in sides:
            block = getattr(loaded.model, side).block[0]
            block.layer[-1] = Followed(block.layer[-1], Gated(32))
    else:
        block = loaded.model.transformer.h[0]
        block.mlp = Followed(block.mlp, Gated(32))
    loaded.model.double().eval()
    return loaded


def batch_of(loaded, rows):
    return collate(rows, pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id)


def summed_loss(loaded, batch, call=predict):
    logits = call(loaded.model, batch).flatten(0, 1)
    targets = batch.targets.flatten()
    return nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")


def loss_and_gradients(loaded, batches, call=predict):
    loaded.model.zero_grad(set_to_none=True)
    total = 0.0
    for batch in batches:
        loss = summed_loss(loaded, batch, call)
        loss.backward()
        total += loss.item()
    return total, {
        name: weight.grad.clone()
        for name, weight in loaded.model.named_parameters()
        if weight.grad is not None
    }


def assert_packed_is_alone(loaded, call=predict):
    packed = batch_of(loaded, [DOCUMENTS[:2], DOCUMENTS[2:]])
    alone = [batch_of(loaded, [[document]]) for document in DOCUMENTS]
    found, found_gradients = loss_and_gradients(loaded, [packed], call)
    expected, gradients = loss_and_gradients(loaded, alone)
    assert found == pytest.approx(expected, rel=1e-12)
    assert any("recurrent" in name for name in gradients)
    for name, gradient in gradients.items():
        torch.testing.assert_close(found_gradients[name], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_is_alone_with_a_recurrent_layer(kind):
    assert_packed_is_alone(with_recurrence(kind))


@pytest.mark.parametrize("sides", [("encoder",), ("decoder",)])
def test_each_side_of_an_encoder_decoder_learns_its_own_starts(sides):
    loaded = with_recurrence("t5", sides)
    assert_packed_is_alone(loaded)
    batch = batch_of(loaded, [DOCUMENTS])
    announce_document_starts(loaded.model, batch)
    (layer,) = (part for part in loaded.model.modules() if isinstance(part, Recurrent))
    starts = batch.document_starts if sides == ("encoder",) else batch.decoder_document_starts
    assert layer.document_starts is starts


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_announcement_a_state_runs_from_document_to_document(kind, monkeypatch):
    loaded = with_recurrence(kind)
    packed = batch_of(loaded, [DOCUMENTS])
    kept = summed_loss(loaded, packed).item()
    monkeypatch.setattr("cauce.models.prediction.announce_document_starts", lambda *_: None)
    announce_document_starts(loaded.model, None)
    assert abs(summed_loss(loaded, packed).item() - kept) > 1e-4 * kept


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_that_ignores_the_starts_makes_a_model_unpackable(kind, monkeypatch):
    loaded = with_recurrence(kind)
    refuse_unpackable(loaded, 64)
    assert all(
        part.document_starts is None
        for part in loaded.model.modules()
        if isinstance(part, Recurrent)
    )
    monkeypatch.setattr("cauce.models.prediction.announce_document_starts", lambda *_: None)
    with pytest.raises(TrainingRefused, match="cannot hold several documents"):
        refuse_unpackable(loaded, 64)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpointed_layer_sees_the_same_starts_when_computed_again(kind, monkeypatch):
    loaded = with_recurrence(kind)
    layers = sum(isinstance(part, Recurrent) for part in loaded.model.modules())
    loaded.model.activation_checkpointing_enable({"use_reentrant": False})
    loaded.model.train()
    assert_packed_is_alone(loaded)
    calls, forward = [], Gated.forward
    monkeypatch.setattr(Gated, "forward", lambda self, x: (calls.append(self), forward(self, x))[1])
    summed_loss(loaded, batch_of(loaded, [DOCUMENTS])).backward()
    assert len(calls) == 2 * layers


@pytest.mark.parametrize("kind", KINDS)
def test_a_compiled_model_follows_the_starts_of_each_batch_in_one_graph(kind):
    loaded = with_recurrence(kind)
    graphs = []

    def backend(graph, _inputs):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(predict, backend=backend, fullgraph=True)
    short = [Tokens([5], [6, 2]), Tokens([7, 8], [2])]
    for row in (short, short[::-1]):
        batch = batch_of(loaded, [row])
        found, found_gradients = loss_and_gradients(loaded, [batch], compiled)
        expected, gradients = loss_and_gradients(loaded, [batch])
        assert found == pytest.approx(expected, rel=1e-12)
        torch.testing.assert_close(found_gradients, gradients, rtol=1e-9, atol=1e-12)
    assert len(graphs) == 1


def test_layers_are_found_inside_an_adapter():
    loaded = with_recurrence("t5")
    tuned = attach(loaded, ModelSettings(base="x", adapter="lora", lora_targets=["q"]), seed=0)
    batch = batch_of(tuned, [DOCUMENTS])
    announce_document_starts(tuned.model, batch)
    found = [part for part in tuned.model.modules() if isinstance(part, Recurrent)]
    assert [layer.document_starts is batch.document_starts for layer in found] == [True, False]
    announce_document_starts(tuned.model, None)
    assert [layer.document_starts for layer in found] == [None, None]


def test_starts_are_no_part_of_a_saved_model():
    loaded = with_recurrence("gpt2")
    before = set(loaded.model.state_dict())
    announce_document_starts(loaded.model, batch_of(loaded, [DOCUMENTS]))
    assert set(loaded.model.state_dict()) == before
    assert not any("document_starts" in name for name, _ in loaded.model.named_buffers())


def test_recurrent_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Recurrent()


def test_nothing_of_a_batch_stays_where_no_backward_pass_will_follow():
    loaded = with_recurrence("gpt2")
    [layer, *_] = [part for part in loaded.model.modules() if isinstance(part, Recurrent)]
    batch = batch_of(loaded, [[Tokens([5, 6], [7, 2]), Tokens([8], [9, 2])]])
    with torch.no_grad():
        predict(loaded.model, batch)
    assert layer.document_starts is None
    predict(loaded.model, batch)
    assert layer.document_starts is not None
