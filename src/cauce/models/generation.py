"""Greedy answers to chats: the likeliest token each time, so an answer is the same on every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cauce.corpus.images import image_inputs
from cauce.corpus.tokens import chat_prompt, end_token_id, images_of
from cauce.errors import DataRefused
from cauce.models.loading import LoadedModel
from cauce.models.upstream import ChatModel, UpstreamModel
from cauce.records import Measurements, Message

if TYPE_CHECKING:
    from torch import Tensor

    from cauce.models.batching import Engine
    from cauce.models.identifiers import IdentifierGrammar


class Written(NamedTuple):
    """What a model wrote."""

    text: str
    is_finished: bool
    """True where an end token or a stop string ended it, False where it reached its longest."""


def generate(
    loaded: ChatModel,
    prompts: Sequence[Sequence[Message]],
    *,
    max_new_tokens: int,
    batch_size: int,
    stop: Sequence[str] = (),
    series: Sequence[Measurements | None] = (),
) -> list[Written]:
    """The model's answer to each prompt, in order, cut before the first of the `stop` strings.

    Prompts of like length share a batch; which ones do has no influence on an answer. `series` are
    those that a model with a prefix reads before the prompts, one or None for each. Raises
    DataRefused when a prompt and its answer cannot fit into the model, and SourceUnavailable when
    a server's model does not answer.
    """
    if isinstance(loaded, UpstreamModel):
        said = loaded.say(prompts, max_new_tokens=max_new_tokens, stop=stop)
        return [Written(cut_at_stop(it.text, stop).strip(), it.is_finished) for it in said]
    from cauce.models.prefix import showing

    with showing(loaded, series or [None] * len(prompts)) as prefixes:
        rows = _generate(
            loaded,
            prompts,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            stop=stop,
            prefixes=prefixes,
        )
    return [_written(loaded, row, stop) for row in rows]


def continue_tokens(
    loaded: LoadedModel,
    prompts: Sequence[list[int]],
    *,
    max_new_tokens: int,
    batch_size: int,
    stop: Sequence[str] = (),
) -> list[str]:
    """The text that follows each prompt of tokens, in order, its white space kept.

    For prompts that are no chats: nothing is put around them, and none is refused.
    """
    rows = _continue(
        loaded,
        [_Prompt(prompt) for prompt in prompts],
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        stop=stop,
        only=None,
    )
    return [cut_at_stop(_decode(loaded, row.tokens), stop) for row in rows]


def generate_identifiers(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[Message]],
    lines: Sequence[str],
    *,
    most: int,
    batch_size: int,
) -> list[list[str]]:
    """Which of the `lines` the model answers each prompt with, at most `most`; it can do no other.

    No line may hold a space. A line that the tokenizer cannot spell is never an answer.
    """
    from cauce.models.identifiers import IdentifierGrammar

    known = {*lines}
    if not known:
        return [[] for _ in prompts]
    only = IdentifierGrammar.of(loaded.tokenizer, lines, ends=end_token_ids(loaded), most=most)
    rows = _generate(loaded, prompts, max_new_tokens=only.longest, batch_size=batch_size, only=only)
    texts = [_decode(loaded, row.tokens) for row in rows]
    return [[line for line in dict.fromkeys(text.split()) if line in known] for text in texts]


def stream(
    loaded: LoadedModel,
    prompt: Sequence[Message],
    *,
    max_new_tokens: int,
    stop: Sequence[str] = (),
    series: Measurements | None = None,
) -> Iterator[str]:
    """The pieces of the text that `generate` gives for this prompt, as soon as each is certain.

    A piece is held back while it could be the beginning of a stop string, half a letter, or white
    space at the end. Closing the iterator ends the computation.
    """
    from cauce.models.prefix import showing

    with showing(loaded, [series]) as [prefix]:
        ids = prompt_ids(loaded, prompt, max_new_tokens, prefix=prefix)
        read = _Prompt(ids, images_of(prompt))
        yield from _pieces(loaded, read, max_new_tokens=max_new_tokens, stop=stop)


def _pieces(
    loaded: LoadedModel, prompt: _Prompt, *, max_new_tokens: int, stop: Sequence[str]
) -> Iterator[str]:
    tokens: list[int] = []
    sent = 0
    for token in _greedy_tokens(loaded, prompt, max_new_tokens):
        tokens.append(token)
        text = _decode(loaded, tokens)
        is_stopped = cut_at_stop(text, stop) != text
        text = cut_at_stop(text, stop).strip()
        certain = text if is_stopped else _certain_prefix(text, stop)
        if len(certain) > sent:
            yield certain[sent:]
            sent = len(certain)
        if is_stopped:
            return
    rest = _decode(loaded, tokens).strip()[sent:]
    if rest:
        yield rest


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """`text` up to where the first of the `stop` strings begins."""
    found = [text.index(word) for word in stop if word and word in text]
    return text[: min(found)] if found else text


def position_limit(loaded: LoadedModel) -> int | None:
    """Most tokens that the model can tell the places of; None where places are relative."""
    fields = loaded.model.config.to_dict()
    if loaded.processor is not None:
        fields = loaded.model.config.get_text_config().to_dict()
    limit = fields.get("max_position_embeddings") or fields.get("n_positions")
    return None if loaded.is_encoder_decoder or limit is None else int(limit)


def end_token_ids(loaded: LoadedModel) -> list[int]:
    """The tokens that end an answer: the tokenizer's end token and the template's end of turn."""
    return sorted({int(loaded.tokenizer.eos_token_id), end_token_id(loaded.tokenizer)})


class _Prompt(NamedTuple):
    """The tokens that a model reads, and what they show."""

    ids: list[int]
    images: tuple[str, ...] = ()


class _Row(NamedTuple):
    """The tokens of an answer without the one that ends it."""

    tokens: list[int]
    has_end: bool


def prompt_ids(
    loaded: LoadedModel,
    prompt: Sequence[Message],
    max_new_tokens: int,
    *,
    prefix: Sequence[int] = (),
) -> list[int]:
    """What the model reads, after the ids of `prefix`.

    DataRefused where it and its answer cannot fit into the model.
    """
    asked = chat_prompt(
        loaded.tokenizer,
        prompt,
        is_encoder_decoder=loaded.is_encoder_decoder,
        processor=loaded.processor,
    )
    ids = [*prefix, *asked]
    limit = position_limit(loaded)
    if limit is not None and len(ids) + max_new_tokens > limit:
        raise DataRefused(
            f"the prompt {prompt[-1].content[:60]!r}... has {len(ids)} tokens; with an answer of "
            f"up to {max_new_tokens} it exceeds the {limit} tokens that {loaded.name!r} can read.\n"
            "Shorten its evidence or lower max_new_tokens."
        )
    return ids


def _generate(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[Message]],
    *,
    max_new_tokens: int,
    batch_size: int,
    stop: Sequence[str] = (),
    only: IdentifierGrammar | None = None,
    prefixes: Sequence[list[int]] | None = None,
) -> list[_Row]:
    before = prefixes or [[] for _ in prompts]
    read = [
        _Prompt(prompt_ids(loaded, prompt, max_new_tokens, prefix=prefix), images_of(prompt))
        for prompt, prefix in zip(prompts, before, strict=True)
    ]
    return _continue(
        loaded, read, max_new_tokens=max_new_tokens, batch_size=batch_size, stop=stop, only=only
    )


def _continue(
    loaded: LoadedModel,
    prompts: Sequence[_Prompt],
    *,
    max_new_tokens: int,
    batch_size: int,
    stop: Sequence[str],
    only: IdentifierGrammar | None,
) -> list[_Row]:
    by_length = sorted(range(len(prompts)), key=lambda index: len(prompts[index].ids))
    answers: dict[int, _Row] = {}
    for start in range(0, len(prompts), batch_size):
        chosen = by_length[start : start + batch_size]
        batch = [prompts[index] for index in chosen]
        rows = _generate_batch(loaded, batch, max_new_tokens, stop=stop, only=only)
        answers.update(zip(chosen, rows, strict=True))
    return [answers[index] for index in range(len(prompts))]


def _generate_batch(
    loaded: LoadedModel,
    prompts: Sequence[_Prompt],
    max_new_tokens: int,
    *,
    stop: Sequence[str],
    only: IdentifierGrammar | None,
) -> list[_Row]:
    import torch
    from transformers import GenerationConfig

    if loaded.engine is not None:
        return _by_engine(loaded.engine, loaded, prompts, max_new_tokens, stop=stop, only=only)
    inputs = _left_padded(loaded, [prompt.ids for prompt in prompts])
    inputs |= _shown(loaded, prompts, inputs["input_ids"])
    width = 1 if loaded.is_encoder_decoder else inputs["input_ids"].shape[1]
    ends = end_token_ids(loaded)
    config = cast(Any, GenerationConfig)(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=ends,
        pad_token_id=loaded.pad_id,
    )
    stopping = [_stops_at(loaded, stop, width)] if stop else None
    processors = [_only(only, width)] if only else None
    loaded.model.eval()
    with torch.inference_mode():
        rows = loaded.model.generate(
            **inputs,
            generation_config=config,
            stopping_criteria=stopping,
            logits_processor=processors,
        )
    return [_until_end(row, ends) for row in rows[:, width:].tolist()]


def _by_engine(
    engine: Engine,
    loaded: LoadedModel,
    prompts: Sequence[_Prompt],
    max_new_tokens: int,
    *,
    stop: Sequence[str],
    only: IdentifierGrammar | None,
) -> list[_Row]:
    """The same rows, written beside those of other threads where the model allows it."""
    from cauce.models.row import Settings

    if not engine.is_batching:
        alone = replace(loaded, engine=None)
        return engine.run(
            lambda: _generate_batch(alone, prompts, max_new_tokens, stop=stop, only=only)
        )
    settings = Settings(max_new_tokens, tuple(stop), only)
    rows = engine.generate_all([prompt.ids for prompt in prompts], settings)
    return [_Row(row.tokens, row.has_end) for row in rows]


def _only(grammar: IdentifierGrammar, width: int) -> Any:
    from cauce.models.identifiers import OnlyIdentifiers

    return OnlyIdentifiers(grammar, width=width)


def _shown(loaded: LoadedModel, prompts: Sequence[_Prompt], input_ids: Tensor) -> dict[str, Tensor]:
    """What a vision-language model reads beside these tokens."""
    if loaded.processor is None:
        return {}
    read = image_inputs(loaded.processor, [prompt.images for prompt in prompts], input_ids)
    return {name: value.to(loaded.device) for name, value in read.items()}


def _left_padded(loaded: LoadedModel, prompts: Sequence[list[int]]) -> dict[str, Tensor]:
    import torch

    width = max(len(prompt) for prompt in prompts)
    ids = [[loaded.pad_id] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return {
        "input_ids": torch.tensor(ids, device=loaded.device),
        "attention_mask": torch.tensor(mask, device=loaded.device),
    }


def _stops_at(loaded: LoadedModel, stop: Sequence[str], width: int) -> Any:
    """A stopping criterion of `transformers`: a row is done when a stop string is at its end."""
    import torch

    def is_stopped(rows: Tensor, scores: Tensor, **_: Any) -> Tensor:
        stopped = [ends_in_stop(loaded, row, stop) for row in rows[:, width:].tolist()]
        return torch.tensor(stopped, device=rows.device)

    return is_stopped


def ends_in_stop(loaded: LoadedModel, tokens: Sequence[int], stop: Sequence[str]) -> bool:
    """Whether one of the `stop` strings stands at the end of what the tokens spell.

    A letter can take four byte-level tokens, so that many per letter are looked back upon.
    """
    reach = 4 * max(len(word) for word in stop) + 4
    text = _decode(loaded, tokens[-reach:])
    return cut_at_stop(text, stop) != text


def _greedy_tokens(loaded: LoadedModel, prompt: _Prompt, max_new_tokens: int) -> Iterator[int]:
    """The likeliest tokens one after the other, without the one that ends the answer."""
    import torch

    model, ends = loaded.model.eval(), set(end_token_ids(loaded))
    next_input = torch.tensor([prompt.ids], device=loaded.device)
    fixed: dict[str, Any] = {}
    shown = _shown(loaded, [prompt], next_input)
    if loaded.is_encoder_decoder:
        with torch.inference_mode():
            fixed["encoder_outputs"] = model.get_encoder()(input_ids=next_input)
        start = model.generation_config.decoder_start_token_id
        next_input = torch.tensor([[start]], device=loaded.device)
    input_name = "decoder_input_ids" if loaded.is_encoder_decoder else "input_ids"
    cache = None
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            output = model(
                **fixed, **shown, **{input_name: next_input}, past_key_values=cache, use_cache=True
            )
        shown = {}
        token = int(output.logits[0, -1].argmax())
        if token in ends:
            return
        yield token
        cache = output.past_key_values
        next_input = torch.tensor([[token]], device=loaded.device)


def _certain_prefix(text: str, stop: Sequence[str]) -> str:
    """`text` without an end that later tokens could still change or turn into a stop string."""
    text = text.rstrip("\ufffd").rstrip()
    overlap = max((_overlap(text, word) for word in stop), default=0)
    return text[: len(text) - overlap].rstrip()


def _overlap(text: str, word: str) -> int:
    """Length of the longest end of `text` that is a beginning of `word`."""
    longest = min(len(text), len(word) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(word[:size])), 0)


def _until_end(tokens: list[int], ends: Sequence[int]) -> _Row:
    end = next((place for place, token in enumerate(tokens) if token in ends), None)
    return _Row(tokens[:end], has_end=end is not None)


def _written(loaded: LoadedModel, row: _Row, stop: Sequence[str]) -> Written:
    text = _decode(loaded, row.tokens)
    cut = cut_at_stop(text, stop)
    return Written(cut.strip(), is_finished=row.has_end or cut != text)


def _decode(loaded: LoadedModel, tokens: Sequence[int]) -> str:
    text = loaded.tokenizer.decode(
        list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return str(text)
