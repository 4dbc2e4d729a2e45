"""A cauce model as inspect-ai sees one: `--model cauce/RUN`, an encoder-decoder too.

inspect-ai finds it by its group of entry points. A chat is asked exactly as cauce asks it. Imports
inspect-ai: no other module of cauce may import this one.
"""

from __future__ import annotations

import sys
from functools import partial

import anyio
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from cauce.corpus.tokens import Tokens, tokenize
from cauce.errors import UserError
from cauce.evaluation.bridges.opening import open_model
from cauce.evaluation.likelihood import likelihood
from cauce.models.generation import generate
from cauce.records import Message

LONGEST_ANSWER = 256
"""Tokens, where neither the task nor the command says."""


@modelapi(name="cauce")
class CauceAPI(ModelAPI):
    """The tuned model of a run by name or path, or a model by folder or id."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self.loaded = open_model(model_name)
        self._one_at_a_time = anyio.CapacityLimiter(1)

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The likeliest text; with `prompt_logprobs` how likely the assistant's last turn is.

        Raises UserError for tools and for samples, which a cauce model does not give.
        """
        if tools or (config.temperature or 0) > 0:
            asked = f"tools {[tool.name for tool in tools]}" if tools else "samples"
            raise UserError(
                f"the task asks for {asked}, and a cauce model writes the likeliest text.\n"
                "Run a task without tools, with --temperature 0."
            )
        messages = [_message(message) for message in input]
        work = partial(self._measure, messages) if config.prompt_logprobs else None
        return await anyio.to_thread.run_sync(
            work or partial(self._write, messages, config), limiter=self._one_at_a_time
        )

    def max_tokens(self) -> int:
        """Longest answer, in tokens."""
        return LONGEST_ANSWER

    def max_connections(self) -> int:
        """Questions at a time: the model is in this process."""
        return 1

    async def count_text_tokens(self, text: str) -> int:
        """By the model's own tokenizer; another one would have to be fetched."""
        return len(self.loaded.tokenizer.encode(text))

    def _write(self, messages: list[Message], config: GenerateConfig) -> ModelOutput:
        (written,) = generate(
            self.loaded,
            [messages],
            max_new_tokens=config.max_tokens or LONGEST_ANSWER,
            batch_size=1,
            stop=config.stop_seqs or (),
        )
        ending = "stop" if written.is_finished else "max_tokens"
        return ModelOutput.from_content(self.model_name, written.text, stop_reason=ending)

    def _measure(self, messages: list[Message]) -> ModelOutput:
        """The log-likelihood of the last turn after those before it, its end token left out."""
        *prompt, answer = messages
        if answer.role != "assistant":
            raise UserError(
                "prompt_logprobs of cauce are those of an answer, and the chat ends with the "
                f"{answer.role}'s turn.\nEnd it with the assistant's."
            )
        tokens = tokenize(
            self.loaded.tokenizer,
            prompt,
            answer.content,
            is_encoder_decoder=self.loaded.is_encoder_decoder,
            max_tokens=sys.maxsize,
        )
        without_end = Tokens(tokens.prompt, tokens.completion[:-1])
        (found,) = likelihood(self.loaded, [without_end], batch_size=1)
        whole = Logprob(token=answer.content, logprob=-found.nll)
        choice = ChatCompletionChoice(
            message=ChatMessageAssistant(content="", model=self.model_name),
            stop_reason="max_tokens",
            prompt_logprobs=Logprobs(content=[whole]),
        )
        return ModelOutput(model=self.model_name, choices=[choice])


def _message(message: ChatMessage) -> Message:
    return Message.model_validate({"role": message.role, "content": message.text})
