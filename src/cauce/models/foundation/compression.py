"""Fewer tokens for the middle of a network: chunks whose borders are learned.

After the dynamic chunking of H-Net (Hwang et al. 2025, arXiv 2507.07955). Where a text is easy a
chunk spans many tokens, where it is hard one; the middle layers compute once for each chunk.

Axes: b rows, t tokens, c chunks, d width, n rows of a group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.linalg import vecdot, vector_norm
from torch.nn import Module
from torch.nn.functional import pad

from cauce.models.foundation.chunking import Chunking, taken
from cauce.models.foundation.places import Memory, Places
from cauce.models.liquid.kernels.scan import differentiable_scan

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

Middle = Callable[[Tensor, Places, Sequence[Memory] | None], Tensor]
"""The wrapped layers: chunks (b c d), their places and the memories of the layers, to (b c d)."""

CHUNKS_STEP = 16
"""Chunks of rows without a memory are padded to a multiple of this. Later tokens change how many
there are, and a product of fewer than 4 rows rounds differently from one of more (measured: MKL
2024.2 with AVX2, 2026-11); of 16 rows and more each is computed alike whatever follows it."""


class Compression(Module):
    """y_t = x_t + c_t s_k, where s_k is what the middle layers added to the chunk k of token t.

    A chunk begins where the router's p_t = (1 - cos(W_q x_t, W_k x_{t-1})) / 2 is at least 0.5, and
    where a document does (p_t = 1). Its vector is x_t there. A middle layer may look at all chunks
    before it, and a token gets the last chunk that has begun, so nothing comes from a later token.
    What the middle added, m_k, is smoothed by how sure the router was of the border,
    s_k = p m_k + (1 - p) s_{k-1}; c_t is 1 with the gradient of p_t at borders, of 1 - p_t
    elsewhere. W_q and W_k, which the paper starts at the identity, are I plus a learned matrix: a
    border is at first where a vector points away from the one before it.

    Two things differ from the paper. There a linear map of x_t that starts at 0 goes around the
    middle; here x_t itself does, as around every other block, and only what the middle *added* is
    handed out. So with a sure border at every token this is the network without compression, no
    token begins the training without its own vector, and no matrix is there for weight decay to
    shrink. And borders that a document forces stay out of the ratio loss: the router cannot move
    them.

    In training mode `auxiliary` holds `ratio_loss` and `reconstruction_loss`, each times its
    weight, after every call: the first sets how many chunks there are, the second where they begin.
    """

    def __init__(
        self,
        width: int,
        *,
        ratio: float,
        ratio_weight: float = 0.03,
        reconstruction_weight: float = 0.0,
    ) -> None:
        super().__init__()
        if ratio <= 1:
            raise ValueError(f"ratio is {ratio}; needed are more than 1 tokens per chunk")
        self.ratio, self.ratio_weight = ratio, ratio_weight
        self.reconstruction_weight = reconstruction_weight
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.foresight = nn.Linear(width, width, bias=False) if reconstruction_weight else None
        self.auxiliary: Float[Tensor, ""] | None = None
        self.is_border: Bool[Tensor, "b t"] | None = None
        self.probability: Float[Tensor, "b t"] | None = None
        self.real: Bool[Tensor, "b t"] | None = None

    def forward(
        self,
        hidden: Float[Tensor, "b t d"],
        places: Places,
        memory: Memory | None,
        middle: Middle,
        memories: Sequence[Memory] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """The tokens after the middle layers, whose own memories are `memories`.

        `memory` and `memories` are given together or not at all. With them rows may meet different
        numbers of chunks, or none: raises ValueError where a memory of the middle would then no
        longer have one length for all rows.
        """
        chunking = self._route(hidden, places, memory)
        if memory is None:
            chunks = taken(hidden, chunking.borders)
            added = middle(chunks, chunking.places, None) - chunks
        else:
            added = _added_to_rows(chunking, hidden, middle, memories or ())
        handed = _handed(chunking, added, memory.get("handed") if memory else None)
        if memory is not None:
            memory["handed"] = handed[:, -1].clone()
            memory["chunks"] = chunking.positions[:, -1] + 1
        self._record(chunking, hidden, is_learning=self.training and memory is None)
        probability = chunking.probability
        likely = torch.where(chunking.is_border, probability, 1 - probability)
        confidence = 1 + likely - likely.detach()
        return hidden + (confidence[..., None] * handed).to(hidden.dtype)

    def figures(self) -> dict[str, float]:
        """Tokens per chunk and the router's mean probability in the last call, without padding."""
        if self.is_border is None or self.probability is None or self.real is None:
            return {}
        return {
            "tokens_per_chunk": 1 / self.is_border[self.real].float().mean().item(),
            "border_probability": self.probability[self.real].mean().item(),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Without the last forward pass, whose graph cannot be copied."""
        last = ("auxiliary", "is_border", "probability", "real")
        return {**self.__dict__, **dict.fromkeys(last)}

    def _route(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None
    ) -> Chunking:
        """Where chunks begin; the probabilities are fp32."""
        key, past = hidden + self.key(hidden), None
        before = torch.zeros_like(key[:, :1])
        starts = torch.zeros_like(places.positions, dtype=torch.bool)
        if places.starts is not None:
            starts = places.starts.clone()
        if memory:
            before, past = memory["key"][:, None], memory["chunks"]
        else:
            starts[:, 0] = True
        if memory is not None:
            memory["key"] = key[:, -1].clone()
        earlier = torch.cat((before, key[:, :-1]), 1)
        query = hidden + self.query(hidden)
        cosine = _cosine(query.float(), earlier.float())
        probability = torch.where(starts, 1.0, (1 - cosine) / 2)
        step = CHUNKS_STEP if memory is None else 1
        return Chunking(probability, starts, past, step, places.tokens, places.is_real)

    def _record(
        self, chunking: Chunking, hidden: Float[Tensor, "b t d"], *, is_learning: bool
    ) -> None:
        self.is_border, self.real = chunking.is_border, chunking.real
        self.probability = chunking.probability.detach()
        self.auxiliary = None
        if is_learning:
            self.auxiliary = self.ratio_weight * ratio_loss(chunking, self.ratio)
            if self.foresight is not None:
                lost = reconstruction_loss(chunking, hidden.detach(), self.foresight)
                self.auxiliary = self.auxiliary + self.reconstruction_weight * lost


def _added_to_rows(
    chunking: Chunking,
    hidden: Float[Tensor, "b t d"],
    middle: Middle,
    memories: Sequence[Memory],
) -> Float[Tensor, "b c d"]:
    """What the middle adds to the new chunks, rows with equally many at a time; `memories` move on.

    A row must not meet a chunk more than it has, since its memories would keep it.
    """
    chunks, places = taken(hidden, chunking.borders), chunking.places
    added = torch.zeros_like(chunks)
    before = [dict(memory) for memory in memories]
    for count in sorted(set(chunking.counts.tolist())):
        if count == 0:
            continue
        rows = (chunking.counts == count).nonzero()[:, 0]
        starts = None if places.starts is None else places.starts[rows, :count]
        tokens = None if places.tokens is None else places.tokens[rows, :count]
        is_real = None if places.is_real is None else places.is_real[rows, :count]
        group = Places(places.positions[rows, :count], starts, tokens, is_real)
        own = [{name: kept[rows] for name, kept in memory.items()} for memory in before]
        added[rows, :count] = middle(chunks[rows, :count], group, own) - chunks[rows, :count]
        for memory, moved in zip(memories, own, strict=True):
            _keep(memory, moved, rows, len(hidden))
    return added


def _keep(memory: Memory, moved: Memory, rows: Int[Tensor, " n"], count: int) -> None:
    """Puts the `rows` of `count` into `memory`, whose other rows stay."""
    for name, tensor in moved.items():
        if len(rows) == count:
            memory[name] = tensor
            continue
        shape = (count, *tensor.shape[1:])
        whole = memory[name] if name in memory else tensor.new_zeros(shape)
        if whole.shape != shape:
            raise ValueError(
                f"the memory {name!r} of a compressed layer has shape {tuple(whole.shape[1:])} in "
                f"some rows and {tuple(shape[1:])} in others; needed is a layer whose memory does "
                "not grow with the text, such as attention to a window"
            )
        memory[name] = whole.index_copy(0, rows, tensor)


def _handed(
    chunking: Chunking, added: Float[Tensor, "b c d"], before: Float[Tensor, "b d"] | None
) -> Float[Tensor, "b t d"]:
    """For each token the smoothed s_k of its chunk; `before` is that of chunks before the call."""
    sureness = chunking.probability.gather(1, chunking.borders)
    numbers = chunking.numbers
    if before is not None:
        added = torch.cat((before[:, None], added), 1)
        sureness = pad(sureness, (1, 0), value=1.0)
        numbers = numbers + 1
    share = sureness[..., None]
    terms = share * added
    smoothed = differentiable_scan((1 - share).to(terms.dtype).expand_as(terms), terms)
    return taken(smoothed, numbers)


def _cosine(one: Float[Tensor, "b t d"], other: Float[Tensor, "b t d"]) -> Float[Tensor, "b t"]:
    """Their cosine; 0 where one is 0. torch's own takes twice as long, with the backward pass."""
    lengths = vector_norm(one, dim=-1) * vector_norm(other, dim=-1)
    cosine: Tensor = vecdot(one, other) / lengths.clamp_min(1e-8)
    return cosine


def ratio_loss(chunking: Chunking, ratio: float) -> Float[Tensor, ""]:
    """N/(N-1) ((N-1) F G + (1-F)(1-G)), for N tokens per chunk (arXiv 2507.07955, equation 10).

    F is the share of borders, G the mean probability, of the tokens that begin no document and are
    no padding. The gradient goes through G: down while F > 1/N, up while F < 1/N.
    """
    free = chunking.free
    count = free.sum().clamp_min(1)
    share = (chunking.is_border & free).sum() / count
    mean = torch.where(free, chunking.probability, 0.0).sum() / count
    return ratio / (ratio - 1) * ((ratio - 1) * share * mean + (1 - share) * (1 - mean))


def reconstruction_loss(
    chunking: Chunking, hidden: Float[Tensor, "b t d"], foresight: nn.Linear
) -> Float[Tensor, ""]:
    """What is lost of the tokens that are no chunk of their own: the mean over t of (1 - b_t) e_t.

    e_t = 1 - cos(x^_t, x_t) + |x^_t - x_t|_1 / |x_t|_1, where x^_t is I + W, of `foresight`, times
    the chunk before token t, and b_t is 1 at a border. So it is 0 where every token begins a chunk
    and grows with what a chunk cannot stand for: its vector is that of its first token, from which
    the later ones can be foreseen, or not.

    Its gradient is another's. The router's p_t rises where e_t is above its mean and falls where it
    is below, so that chunks come to begin where the text is hard while `ratio_loss` alone says how
    many there are (without the mean every token became a chunk). The map learns from all tokens:
    from those inside chunks alone it would never learn to foresee the others. `hidden` is to come
    without a graph: to make neighbours alike would be the cheapest way to foresee. The loss
    compares with later tokens; no output does.
    """
    before = pad(chunking.last_borders[:, :-1], (1, 0))
    chunks = taken(hidden, before)
    held, hidden = (chunks + foresight(chunks)).float(), hidden.float()
    absolute = (held - hidden).abs().mean(-1) / hidden.abs().mean(-1).clamp_min(1e-6)
    free = chunking.free
    error = torch.where(free, 1 - _cosine(held, hidden) + absolute, 0.0)
    surprise = error.detach() - error.detach().sum() / free.sum().clamp_min(1)
    probability = chunking.probability
    at_borders = chunking.is_border * (error - error.detach())
    moved = (probability - probability.detach()) * surprise * free
    lost: Tensor = (~chunking.is_border * error + at_borders - moved).sum()
    return lost / chunking.real.sum()
