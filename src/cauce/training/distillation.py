"""The losses that make a student speak as its teacher: hidden states first, then distributions.

After the parts of a trained model were replaced (attention by a recurrent layer, say), the original
teaches the rest. Matching each block's output before the predictions is the order of MOHAWK (Bick
et al. 2024, arXiv 2408.10189), without its first stage, which compares mixing matrices.

b batch, t time, d width, n tokens, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.function import once_differentiable

from cauce.errors import TrainingRefused
from cauce.models.finding import resolve
from cauce.models.loading import LoadedModel, load_folder
from cauce.training.objectives import Distil, Objective

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

CHUNK_VALUES = 2**20
"""Logits worked on at a time; what is held in fp32 at once is a few times that."""


def hidden_state_loss(
    student: Sequence[Float[Tensor, "b t d"]],
    teacher: Sequence[Float[Tensor, "b t d"]],
    is_real: Bool[Tensor, "b t"],
) -> Float[Tensor, ""]:
    """Squared distance of the hidden states: a mean over layers and width, a sum over real tokens.

    With L pairs of layers, sum over real tokens of 1/(L d) sum_l |s_l - t_l|^2, at least in fp32.
    This is the hidden-state loss of TinyBERT (Jiao et al. 2019, arXiv 1909.10351, section 3.1)
    without its projection, since the widths are equal. Nothing is learned by the teacher.
    """
    if not student or len(student) != len(teacher):
        raise ValueError(
            f"{len(student)} layers of the student stand against {len(teacher)} of the teacher; "
            "pair them with matching_layers"
        )
    pairs = zip(student, teacher, strict=True)
    distances = [_squared_distance(mine[is_real], its[is_real]) for mine, its in pairs]
    return torch.stack(distances).mean()


def divergence(
    student_logits: Float[Tensor, "n v"], teacher_logits: Float[Tensor, "n v"], temperature: float
) -> Float[Tensor, ""]:
    """T^2 KL(p_teacher || p_student) with p = softmax(logits / T), summed over tokens.

    T^2 keeps gradients at one size whatever T is (Hinton et al. 2015, arXiv 1503.02531, section
    2). The gradient T (p_student - p_teacher) is formed in the forward pass, so of all that is as
    large as the logits only it is kept. Nothing is learned by the teacher.
    """
    loss: Tensor = _Divergence.apply(student_logits, teacher_logits.detach(), temperature)  # type: ignore[no-untyped-call]
    return loss


def matching_layers(student_count: int, teacher_count: int) -> list[tuple[int, int]]:
    """Pairs of (student's, teacher's) layers, from 0, evenly spaced, ending with both's last.

    Of the deeper model only as many are matched as the other one has.

    >>> matching_layers(2, 6)
    [(0, 2), (1, 5)]
    """
    shallower = min(student_count, teacher_count)
    return [
        (place * student_count // shallower - 1, place * teacher_count // shallower - 1)
        for place in range(1, shallower + 1)
    ]


def load_teacher(objective: Objective) -> LoadedModel | None:
    """The model that `objective` learns from; None where it learns from none."""
    if not isinstance(objective, Distil):
        return None
    return load_folder(resolve(objective.teacher), name=objective.teacher)


def refuse_unlike(student: LoadedModel, teacher: LoadedModel) -> None:
    """Raises TrainingRefused where student and teacher could not be compared place by place."""
    if student.is_encoder_decoder != teacher.is_encoder_decoder:
        raise _unlike(student, teacher, "kind", _kind(student), _kind(teacher))
    mine, its = student.model.config, teacher.model.config
    if mine.vocab_size != its.vocab_size:
        raise _unlike(student, teacher, "vocabulary", str(mine.vocab_size), str(its.vocab_size))
    if mine.hidden_size != its.hidden_size:
        raise _unlike(student, teacher, "width", str(mine.hidden_size), str(its.hidden_size))
    _refuse_other_tokens(student, teacher)


class _Divergence(torch.autograd.Function):
    """See `divergence`; the teacher and the temperature get no gradient."""

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        total = student.new_zeros((), dtype=_at_least_fp32(student))
        gradient = torch.empty_like(student) if ctx.needs_input_grad[0] else None
        for rows in _chunks(*student.shape):
            says = _log_softmax(student[rows], temperature)
            should = _log_softmax(teacher[rows], temperature)
            wanted = should.exp()
            total += (should.sub_(says)).mul_(wanted).sum()
            if gradient is not None:
                gradient[rows] = says.exp_().sub_(wanted).mul_(temperature)
        ctx.save_for_backward(gradient)
        return total.mul_(temperature**2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, incoming: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * incoming, None, None


def _log_softmax(logits: Tensor, temperature: float) -> Tensor:
    return torch.log_softmax(logits.to(_at_least_fp32(logits)) / temperature, dim=-1)


def _squared_distance(mine: Float[Tensor, "n d"], its: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    dtype = _at_least_fp32(mine)
    return (mine.to(dtype) - its.detach().to(dtype)).square().mean(dim=-1).sum()


def _at_least_fp32(tensor: Tensor) -> torch.dtype:
    return torch.promote_types(tensor.dtype, torch.float32)


def _chunks(tokens: int, vocabulary: int) -> Iterator[slice]:
    step = max(1, CHUNK_VALUES // vocabulary)
    return (slice(start, start + step) for start in range(0, tokens, step))


def _refuse_other_tokens(student: LoadedModel, teacher: LoadedModel) -> None:
    mine, its = student.tokenizer.get_vocab(), teacher.tokenizer.get_vocab()
    unlike = sorted(token for token in {*mine, *its} if mine.get(token) != its.get(token))
    if unlike:
        token = unlike[0]
        raise _unlike(
            student,
            teacher,
            "tokenizer",
            f"{len(unlike)} tokens, {token!r} of them as {mine.get(token)}",
            f"as {its.get(token)}",
        )


def _kind(loaded: LoadedModel) -> str:
    return "an encoder-decoder" if loaded.is_encoder_decoder else "a decoder"


def _unlike(
    student: LoadedModel, teacher: LoadedModel, name: str, mine: str, its: str
) -> TrainingRefused:
    return TrainingRefused(
        f"the student {student.name!r} and the teacher {teacher.name!r} differ in {name}: the one "
        f"has {mine}, the other {its}.\n"
        "Set training.objective.teacher to the model that model.base was made from, or one with "
        "the same kind, tokenizer and width."
    )
