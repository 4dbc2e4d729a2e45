"""Chats become tokens: a prompt that is read and a completion that is learned, end token included.

Prompt and completion are tokenised apart, so the tokens trained are the tokens served: a server
has only the prompt, and a tokenizer that merged across the seam would show it another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import TemplateError

from cauce.corpus.images import image_prompt
from cauce.corpus.judged import Asked, Pair, Rated, Tried
from cauce.errors import DataRefused, TrainingRefused
from cauce.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, ProcessorMixin

IGNORED = -100
"""The label of a position that is not learned."""

PLAIN_TEMPLATE = """\
{%- if sep_token is defined and sep_token == eos_token %}{{ sep_token }}
{%- elif bos_token is defined and bos_token %}{{ bos_token }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' %}{{ 'Assistant:\\n' + message.content + eos_token }}
{%- else %}{{ message.role.capitalize() + ':\\n' + message.content + '\\n\\n' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Assistant:\\n' }}{% endif %}"""
"""The chat template of a tokenizer that has none; it is saved with the model that learns it.

It starts as the tokenizer's model was pretrained to: with the separator where that is the end token
too (BioGPT), else with the begin token where there is one.
"""


_TRIED = "cauce"


class Tokens(NamedTuple):
    """An example as token ids; `completion` ends with the end token."""

    prompt: list[int]
    completion: list[int]
    images: tuple[str, ...] = ()
    """What the prompt shows, as in `cauce.records.Message`; their places are among its tokens."""
    judged: Pair | Rated | Asked | Tried | None = None
    """What an objective that learns from judgements knows of it besides."""

    @property
    def documents(self) -> tuple[Tokens, ...]:
        """What is computed of it: itself, and of a pair the rejected completion too."""
        if not isinstance(self.judged, Pair):
            return (self,)
        chosen = self._replace(judged=None)
        return chosen, chosen._replace(completion=self.judged.rejected)

    @property
    def length(self) -> int:
        """Tokens read and learned together."""
        return sum(len(it.prompt) + len(it.completion) for it in self.documents)


def chat_prompt(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    *,
    is_encoder_decoder: bool = False,
    processor: ProcessorMixin | None = None,
) -> list[int]:
    """The token ids after which the model writes its answer to `messages`.

    An encoder reads them closed by the end token, as encoder-decoders are pretrained. Images take
    the places that the `processor` gives them; DataRefused where the model has none.
    """
    text = render_chat(tokenizer, messages, add_generation_prompt=True)
    images = images_of(messages)
    prompt = image_prompt(processor, text, images) if images else _encode(tokenizer, text)
    return [*prompt, _eos_id(tokenizer)] if is_encoder_decoder else prompt


def tokenize(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    completion: str,
    *,
    is_encoder_decoder: bool,
    max_tokens: int,
    processor: ProcessorMixin | None = None,
) -> Tokens:
    """`messages` as the prompt and `completion` as what is learned after it.

    Raises TrainingRefused when the template renders a prompt that is no prefix of the whole chat.
    Raises DataRefused when prompt and completion together exceed `max_tokens` (nothing is cut), or
    when the completion's text spells the end token.
    """
    tokens = Tokens(
        chat_prompt(
            tokenizer, messages, is_encoder_decoder=is_encoder_decoder, processor=processor
        ),
        _completion_ids(tokenizer, messages, completion),
        images_of(messages),
    )
    if tokens.length > max_tokens:
        raise DataRefused(
            f"the example {messages[-1].content[:60]!r}... has {len(tokens.prompt)} prompt and "
            f"{len(tokens.completion)} completion tokens; max_tokens is {max_tokens}.\n"
            "Shorten its evidence, drop it, or raise model.max_tokens."
        )
    if tokens.completion[-1] in tokens.completion[:-1]:
        raise DataRefused(
            f"the completion {completion[:60]!r}... spells the end token "
            f"{tokenizer.decode(tokens.completion[-1:])!r} in its midst: the model would learn to "
            "go on after its end.\nRemove it from the text."
        )
    return tokens


def images_of(messages: Sequence[Message]) -> tuple[str, ...]:
    """What the turns show, in their order."""
    return tuple(image for message in messages for image in message.images)


def end_token_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that ends an answer: the template's end of turn, or the tokenizer's end token."""
    return _completion_ids(tokenizer, [Message(role="user", content="?")], "!")[-1]


def preview(tokenizer: PreTrainedTokenizerBase, item: Tokens) -> str:
    """The example as the model sees it; what is learned stands between 【 and 】."""
    return f"{tokenizer.decode(item.prompt)}【{tokenizer.decode(item.completion)}】"


def _completion_ids(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], completion: str
) -> list[int]:
    end = _eos_id(tokenizer)
    prompt = render_chat(tokenizer, messages, add_generation_prompt=True)
    answer = Message(role="assistant", content=completion)
    chat = render_chat(tokenizer, [*messages, answer], add_generation_prompt=False)
    if not chat.startswith(prompt):
        raise TrainingRefused(
            f"the chat template renders the prompt {prompt[-40:]!r}, which is no prefix of the "
            f"same chat with its answer: {chat[-60:]!r}.\n"
            "Training would show other prompts than serving. Use a template whose generation "
            "prompt opens the assistant's turn exactly as a finished turn is written."
        )
    ids = _encode(tokenizer, chat[len(prompt) :])
    closed = _encode(tokenizer, chat[len(prompt) :].rstrip())
    if closed and closed[-1] in _special_ids(tokenizer):
        return closed
    return [*ids, end]


def render_chat(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, add_generation_prompt: bool
) -> str:
    """The chat by the tokenizer's template, or by cauce's where it has none."""
    takes_parts = _takes_parts(tokenizer) or any(message.images for message in messages)
    chat: list[dict[str, Any]] = [
        {"role": message.role, "content": _content(tokenizer, message, takes_parts=takes_parts)}
        for message in messages
    ]
    return str(
        tokenizer.apply_chat_template(
            chat,
            chat_template=None if tokenizer.chat_template else PLAIN_TEMPLATE,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
        )
    )


def _content(
    tokenizer: PreTrainedTokenizerBase, message: Message, *, takes_parts: bool
) -> str | list[dict[str, str]]:
    text = _without_special_tokens(tokenizer, message)
    if not takes_parts:
        return text
    return [*({"type": "image"} for _ in message.images), {"type": "text", "text": text}]


def _takes_parts(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the template knows images and leaves out, or fails on, a content that is one text."""
    if "image" not in str(tokenizer.chat_template):
        return False
    try:
        chat = [{"role": "user", "content": _TRIED}]
        return _TRIED not in str(tokenizer.apply_chat_template(chat, tokenize=False))
    except (TypeError, TemplateError):
        return True


def _without_special_tokens(tokenizer: PreTrainedTokenizerBase, message: Message) -> str:
    """The content; a special token spelled in it is split, so that it cannot end the turn."""
    if message.role == "assistant":
        return message.content
    text = message.content
    for token in tokenizer.added_tokens_decoder.values():
        if token.special:
            text = text.replace(token.content, f"{token.content[0]} {token.content[1:]}")
    return text


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


def _special_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    added = {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
    known = added | set(tokenizer.all_special_ids)
    return known - {tokenizer.unk_token_id} | {_eos_id(tokenizer)}


def _eos_id(tokenizer: PreTrainedTokenizerBase) -> int:
    if tokenizer.eos_token_id is None:
        raise TrainingRefused(
            f"the tokenizer {tokenizer.name_or_path!r} has no end token: answers could not end.\n"
            "Set eos_token in its tokenizer_config.json."
        )
    return int(tokenizer.eos_token_id)
