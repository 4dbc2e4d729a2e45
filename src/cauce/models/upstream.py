"""A model whose weights are on another machine: it writes, and all else is done here."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cauce.corpus.tokens import PLAIN_TEMPLATE
from cauce.models.asking import ASKING, AskerLeft
from cauce.models.loading import LoadedModel, load_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from cauce.records import Message
    from cauce.sources.upstream import Said, UpstreamServer


@dataclass(frozen=True)
class UpstreamModel:
    """A server's model; how long its prompts are is told by a tokenizer that is here."""

    server: UpstreamServer
    tokenizer: PreTrainedTokenizerBase
    """The model's own where it is the run's, else one that comes near it."""
    is_encoder_decoder: Literal[False] = False

    def say(
        self, prompts: Sequence[Sequence[Message]], *, max_new_tokens: int, stop: Sequence[str]
    ) -> list[Said]:
        """What it says to each prompt, in order. Raises AskerLeft, and as the server does."""
        if (asking := ASKING.get()) is not None and asking.has_left.is_set():
            raise AskerLeft("left before the server was asked")
        if not prompts:
            return []

        def ask(prompt: Sequence[Message]) -> Said:
            return self.server.say(prompt, max_tokens=max_new_tokens, stop=stop)

        with ThreadPoolExecutor(len(prompts)) as pool:
            return list(pool.map(ask, prompts))


ChatModel = LoadedModel | UpstreamModel
"""What answers chats."""


def upstream_model(server: UpstreamServer, folder: Path) -> UpstreamModel:
    """The server's model, its prompts measured by the tokenizer in `folder`."""
    tokenizer = load_tokenizer(folder)
    if tokenizer.chat_template is None:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return UpstreamModel(server, tokenizer)
