from __future__ import annotations

import pytest
import torch

from cauce.corpus.batches import collate
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.models.adapters import transplant
from cauce.models.liquid.transplant import replaced_blocks
from cauce.models.liquid.transplant.sites import find_sites
from cauce.models.prediction import predict
from cauce.models.settings import LiquidSettings
from cauce.training.block_teaching import BlockTeaching, refuse_shared_layers
from cauce.training.distribution import Processes
from cauce.training.objectives import Distil
from models.tiny import DECODERS, tiny_decoder

DOCUMENTS = [Tokens([5, 6, 7], [8, 9, 2]), Tokens([10], [11, 2])]


def batch_of(loaded, *, packed=False):
    rows = [DOCUMENTS] if packed else [[document] for document in DOCUMENTS]
    return collate(rows, pad_id=loaded.pad_id, decoder_start_id=None)


def student_of(kind, **options):
    return transplant(tiny_decoder(kind), LiquidSettings(backbone_units=8, **options), seed=0)


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("packed", [False, True])
def test_the_distance_is_that_of_each_block_on_the_teachers_inputs(kind, packed):
    """Computed here token by token from what the teacher's own MLPs are called with."""
    teacher, student = tiny_decoder(kind), student_of(kind)
    batch = batch_of(teacher, packed=packed)
    calls = []
    for site in find_sites(teacher.bare):
        site.watch(lambda number, inputs, outputs: calls.append((number, inputs, outputs)))
    with torch.no_grad():
        predict(teacher.model, batch)
        found = BlockTeaching(student, tiny_decoder(kind)).distance(batch)
    wanted = 0.0
    for number, inputs, outputs in calls:
        block = replaced_blocks(student.bare)[number]
        block.liquid.document_starts = batch.document_starts
        mine = block(inputs)
        real = batch.is_real.nonzero().tolist()
        sizes = [outputs[row, place].square().sum() for row, place in real]
        errors = [(mine - outputs)[row, place].square().sum() for row, place in real]
        wanted += sum(errors) / (sum(sizes) / len(sizes)) / len(calls)
    torch.testing.assert_close(found, wanted)


def test_only_the_blocks_learn_and_a_preserving_one_has_nothing_to_learn():
    teacher = tiny_decoder("gpt2")
    preserving = transplant(tiny_decoder("gpt2"), LiquidSettings(init="preserve"), seed=0)
    batch = batch_of(teacher)
    assert BlockTeaching(preserving, teacher).distance(batch) < 1e-6
    student = student_of("gpt2")
    BlockTeaching(student, teacher).distance(batch).backward()
    inside = {
        id(weight)
        for block in replaced_blocks(student.bare).values()
        for weight in block.parameters()
    }
    learned = {id(weight) for weight in student.model.parameters() if weight.grad is not None}
    assert learned <= inside
    assert learned
    assert all(weight.grad is None for weight in teacher.model.parameters())


def test_the_teacher_is_left_without_hooks():
    teacher = tiny_decoder("biogpt")
    BlockTeaching(student_of("biogpt"), teacher).distance(batch_of(teacher))
    parts = list(teacher.bare.modules())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in parts)


def test_an_mlp_that_is_given_all_rows_in_one_is_learned_from_too():
    """OPT's."""
    teacher, student = tiny_decoder("biogpt"), student_of("biogpt")
    batch = batch_of(teacher)
    teaching = BlockTeaching(student, teacher)
    wanted = teaching.distance(batch)
    watch = teaching._watch_teacher
    teaching._watch_teacher = lambda batch: {
        number: tuple(tensor.flatten(0, 1) for tensor in passed)
        for number, passed in watch(batch).items()
    }
    torch.testing.assert_close(teaching.distance(batch), wanted)


def test_layers_in_pieces_cannot_be_taught_alone():
    shared = Processes(parallel="fsdp", rank=0, count=2)
    objective = Distil(teacher="x", block_share=0.5)
    with pytest.raises(TrainingRefused, match=r"block_share is 0.5 .* fsdp.*\n.*parallel to ddp"):
        refuse_shared_layers(objective, shared)
    refuse_shared_layers(Distil(teacher="x"), shared)
    refuse_shared_layers(objective, Processes(parallel="ddp", rank=0, count=2))


def test_a_student_without_replaced_layers_is_refused():
    with pytest.raises(TrainingRefused, match="has replaced MLPs in no layer"):
        BlockTeaching(tiny_decoder("gpt2"), tiny_decoder("gpt2"))
    beside = student_of("gpt2", keep_mlp=True)
    with pytest.raises(TrainingRefused, match="has replaced MLPs in no layer"):
        BlockTeaching(beside, tiny_decoder("gpt2"))
