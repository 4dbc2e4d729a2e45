"""A cauce model as lm-eval sees one: log-likelihoods and greedy texts.

A chat (`apply_chat_template=True`) is asked exactly as cauce asks it: by the model's template, an
encoder's end token after it, prompt and answer tokenised apart. A raw text is tokenised as by the
`hf` model of lm-eval. Imports lm-eval: call `cauce.evaluation.bridges.lm_eval_model`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import normalize_gen_kwargs
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from cauce.corpus.tokens import Tokens, chat_prompt, render_chat, tokenize
from cauce.errors import DataRefused, UserError
from cauce.evaluation.likelihood import likelihood
from cauce.models.generation import continue_tokens, position_limit
from cauce.models.loading import LoadedModel
from cauce.records import Message

LONGEST = 2048
"""Tokens read together where the model's places are relative, as lm-eval takes it."""

log = logging.getLogger(__name__)


class _Writing(NamedTuple):
    """How a text is to be written."""

    tokens: int
    """At most."""
    stop: tuple[str, ...]

    @classmethod
    def of(cls, options: dict[str, Any]) -> _Writing:
        """What lm-eval's `generation_kwargs` say; UserError where they ask for samples."""
        asked = normalize_gen_kwargs(options)
        if asked["do_sample"]:
            raise UserError(
                f"the task asks for samples ({options}) and cauce writes the likeliest text.\n"
                "Set do_sample to false in its generation_kwargs, or with gen_kwargs."
            )
        return cls(asked["max_gen_toks"], tuple(filter(None, asked["until"])))


class CauceLM(TemplateLM):
    """A loaded model, a decoder or an encoder-decoder, with its adapter."""

    def __init__(self, loaded: LoadedModel, *, batch_size: int) -> None:
        super().__init__()
        self.loaded = loaded
        self.batch_size = batch_size
        self.tokenizer = loaded.tokenizer
        self.backend = "seq2seq" if loaded.is_encoder_decoder else "causal"
        self.max_length = position_limit(loaded) or LONGEST
        self._device = loaded.device
        self._chats: dict[str, tuple[Message, ...]] = {}

    @property
    def eot_token_id(self) -> int:
        """The tokenizer's end token."""
        return int(self.loaded.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """What a text without context is measured after: the begin token, else the end token."""
        begin = self.loaded.tokenizer.bos_token_id
        return self.eot_token_id if begin is None else int(begin)

    @property
    def tokenizer_name(self) -> str:
        """Changes when the model or its template does; lm-eval keeps requests by it."""
        return f"{self.loaded.name}-{self.loaded.template_sha256[:8]}".replace("/", "__")

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The chat by the model's template; where an answer is begun, up to where it is."""
        messages = tuple(Message.model_validate(dict(turn)) for turn in chat_history)
        if not add_generation_prompt:
            return str(
                self.loaded.tokenizer.apply_chat_template(
                    chat_history, tokenize=False, continue_final_message=True
                )
            )
        text = render_chat(self.loaded.tokenizer, messages, add_generation_prompt=True)
        self._chats[text] = messages
        return text

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **_: Any
    ) -> list[int]:
        """The tokens of a raw text; it opens with the begin token once."""
        if add_special_tokens is None:
            opening = str(self.loaded.tokenizer.decode([self.prefix_token_id]))
            add_special_tokens = not string.startswith(opening)
        ids: list[int] = self.loaded.tokenizer.encode(string, add_special_tokens=add_special_tokens)
        return ids

    def loglikelihood_rolling(
        self, requests: list[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """The log-likelihood of each whole text, long ones in windows that do not overlap."""
        windows = [self._windows(request.args[0]) for request in requests]
        found = iter(self._loglikelihood_tokens([one for own in windows for one in own]))
        return [sum(next(found)[0] for _ in own) for own in windows]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """What the model writes after each context, up to its stop strings.

        Raises UserError for a task that wants samples: the likeliest text is written.
        """
        asked = [(request.args[0], _Writing.of(request.args[1])) for request in requests]
        texts: dict[int, str] = {}
        for writing in dict.fromkeys(one for _, one in asked):
            own = [place for place, (_, one) in enumerate(asked) if one == writing]
            written = continue_tokens(
                self.loaded,
                [self._prompt_ids(asked[place][0], writing) for place in own],
                max_new_tokens=writing.tokens,
                batch_size=self.batch_size,
                stop=writing.stop,
            )
            texts.update(zip(own, written, strict=True))
        return [texts[place] for place in range(len(asked))]

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        if context not in self._chats:
            ids: tuple[list[int], list[int]] = super()._encode_pair(context, continuation)
            return ids
        tokens = tokenize(
            self.loaded.tokenizer,
            self._chats[context],
            continuation,
            is_encoder_decoder=self.loaded.is_encoder_decoder,
            max_tokens=sys.maxsize,
        )
        return tokens.prompt, tokens.completion[:-1]

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], **_: Any
    ) -> list[tuple[float, bool]]:
        tokens = [self._fitting(prompt, completion) for _, prompt, completion in requests]
        found = likelihood(self.loaded, tokens, self.batch_size)
        return [(-one.nll, one.all_correct) for one in found]

    def _windows(self, text: str) -> list[tuple[None, list[int], list[int]]]:
        windows = get_rolling_token_windows(
            token_list=self.tok_encode(text),
            prefix_token=self.prefix_token_id,
            max_seq_len=self.max_length,
            context_len=1,
        )
        return [(None, *make_disjoint_window(window)) for window in windows]

    def _fitting(self, prompt: list[int], completion: list[int]) -> Tokens:
        """The tokens of a decoder that it can read together; the beginning goes, as in lm-eval."""
        # The last token is predicted and not read.
        room = self.max_length + 1 - len(completion)
        if self.loaded.is_encoder_decoder or len(prompt) <= room:
            return Tokens(prompt, completion)
        if room < 1:
            raise DataRefused(
                f"{len(completion)} tokens are to follow a prompt, and {self.loaded.name!r} reads "
                f"{self.max_length} together.\nShorten the choice, or lower max_gen_toks."
            )
        log.warning("the first %d of %d prompt tokens are cut", len(prompt) - room, len(prompt))
        return Tokens(prompt[-room:], completion)

    def _prompt_ids(self, context: str, writing: _Writing) -> list[int]:
        chat = self._chats.get(context)
        ids = (
            self.tok_encode(context)
            if chat is None
            else chat_prompt(
                self.loaded.tokenizer, chat, is_encoder_decoder=self.loaded.is_encoder_decoder
            )
        )
        return self._fitting(ids, [self.eot_token_id] * (writing.tokens + 1)).prompt
