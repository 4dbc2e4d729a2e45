"""OpenAI's chat API as the assistant speaks it: requests, answers, chunks and errors.

What differs from OpenAI's: an answer is checked whole before its first sentence leaves, so the
chunks of a stream are its sentences; the same question always has the same answer, so sampling
fields (`temperature`, `seed`, ...) are accepted and change nothing, and `n` repeats one answer;
a token is a word or a punctuation mark. `cauce` beside the text says what the answer rests on;
`plain` in a request asks for the answer in plain language.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cauce.errors import MissingExtra, SourceUnavailable, UserError
from cauce.records import DoiMatch, Message, Reference, Reply
from cauce.sources.images import MOST_IMAGES, ImageRefused, decode_image

TOKEN = re.compile(r"\w+|[^\w\s]")
SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”»)\]]*\s+(?=[\"'“«(\[¿¡]*[A-ZÁÉÍÓÚÑÜ0-9])|\n+|\Z)", re.S)
UNSUPPORTED = ("tools", "functions", "response_format", "logprobs")
MAX_BODY_BYTES = 256 * 1024
"""Of the texts; about forty times the longest conversation the page sends."""
MAX_BYTES_WITH_IMAGES = 16 * 2**20
MEANS_NOTHING: tuple[Any, ...] = (None, False, [], {"type": "text"})


class RequestRefused(UserError):
    """A request that cannot be answered, with the HTTP status and OpenAI's `param` and `code`."""

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code


class Input(BaseModel):
    """Fields are taken as typed, never converted; fields of OpenAI's not named here are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class TextPart(Input):
    """A piece of a message."""

    type: Literal["text"]
    text: str


class ImageAddress(Input):
    """Where OpenAI's clients put an image: `data:image/png;base64,...`; nothing is fetched."""

    url: str


class ImagePart(Input):
    """An image of a message; sound and video are refused."""

    type: Literal["image_url"]
    image_url: ImageAddress


class ChatMessage(Input):
    """One turn as a client sends it."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[Annotated[TextPart | ImagePart, Field(discriminator="type")], ...]

    def as_message(self) -> Message:
        """The turn in cauce's own record; OpenAI's `developer` is today's name for `system`."""
        role = "system" if self.role == "developer" else self.role
        if isinstance(self.content, str):
            return Message(role=role, content=self.content)
        texts = [part.text for part in self.content if isinstance(part, TextPart)]
        return Message(role=role, content="\n".join(texts), images=self.images)

    @property
    def images(self) -> tuple[str, ...]:
        """What it shows, as it came."""
        if isinstance(self.content, str):
            return ()
        return tuple(part.image_url.url for part in self.content if isinstance(part, ImagePart))


class StreamOptions(Input):
    """What a stream ends with."""

    include_usage: bool = False


class ChatRequest(Input):
    """A question with the turns before it, and how the answer is to be given."""

    model: str
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    stop: str | tuple[str, ...] | None = None
    n: Annotated[int, Field(ge=1, le=4)] | None = 1
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    plain: bool | None = False
    """cauce's own: the answer in plain language, no safety fact left out."""

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        for message in messages:
            if message.images and message.role != "user":
                raise ValueError(f"a message of the role {message.role!r} shows an image")
        last = messages[-1]
        if last.role != "user":
            raise ValueError(f"the last message has the role {last.role!r}, 'user' is needed")
        if not last.as_message().content.strip() and not last.images:
            raise ValueError("the last message is empty, a question is needed")
        return messages

    @field_validator("stop")
    @classmethod
    def _can_stop(cls, stop: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        stops = (stop,) if isinstance(stop, str) else stop or ()
        if len(stops) > 4 or "" in stops:
            raise ValueError("up to 4 strings are allowed, none of them empty")
        return stop

    @property
    def stops(self) -> tuple[str, ...]:
        """The strings before which the answer ends."""
        return (self.stop,) if isinstance(self.stop, str) else self.stop or ()

    @property
    def token_limit(self) -> int | None:
        """The most tokens the answer may have."""
        limits = [n for n in (self.max_tokens, self.max_completion_tokens) if n is not None]
        return min(limits, default=None)

    @property
    def question(self) -> str:
        """What is asked now."""
        return self.messages[-1].as_message().content

    @property
    def images(self) -> tuple[str, ...]:
        """What is shown with the question."""
        return self.messages[-1].images

    @property
    def history(self) -> tuple[Message, ...]:
        """The turns before the question, oldest first."""
        return tuple(message.as_message() for message in self.messages[:-1])


class Ending(NamedTuple):
    """The text that is sent and why it ends where it does."""

    text: str
    finish_reason: Literal["stop", "length"]


def parse_request(body: bytes, model_name: str) -> ChatRequest:
    """The request in `body`; raises RequestRefused in the words of the field that is wrong."""
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _refused(error) from error
    require_model(request.model, model_name)
    _refuse_unsupported(body)
    _refuse_images(request, len(body))
    return request


def require_model(asked: str, served: str) -> None:
    """Raises RequestRefused when another model is asked for than the one that is served."""
    if asked != served:
        raise RequestRefused(
            f"The model {asked!r} is not served here. Use {served!r}.",
            status=404,
            param="model",
            code="model_not_found",
        )


def _refused(error: ValidationError) -> RequestRefused:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return RequestRefused(f"The body is not JSON: {first['msg']}.", code="invalid_json")
    if not first["loc"]:
        return RequestRefused("The body must be a JSON object with `model` and `messages`.")
    place = first["loc"][: 3 if first["loc"][0] == "messages" else 1]
    param = ".".join(str(part) for part in place)
    code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
    return RequestRefused(f"{param}: {first['msg']}.", param=param, code=code)


def _refuse_unsupported(body: bytes) -> None:
    fields: dict[str, Any] = json.loads(body)
    for name in UNSUPPORTED:
        if fields.get(name) not in MEANS_NOTHING:
            raise RequestRefused(
                f"{name} is not supported: the assistant answers in text. Leave it out.",
                param=name,
                code="unsupported_parameter",
            )


def _refuse_images(request: ChatRequest, body_bytes: int) -> None:
    """Raises RequestRefused for an image that is not taken, too many, or too much beside them."""
    shown = [
        (f"messages.{number}.content", image)
        for number, message in enumerate(request.messages)
        for image in message.images
    ]
    if len(shown) > MOST_IMAGES:
        raise RequestRefused(
            f"The conversation shows {len(shown)} images, and {MOST_IMAGES} are looked at. Send "
            "fewer.",
            param="messages",
            code="too_many_images",
        )
    if body_bytes - sum(len(image) for _, image in shown) > MAX_BODY_BYTES:
        raise too_long(MAX_BODY_BYTES)
    for param, image in shown:
        try:
            decode_image(image)
        except ImageRefused as error:
            text = " ".join(str(error).splitlines())
            raise RequestRefused(text, param=param, code=error.code) from error
        except MissingExtra as error:
            text = "No image can be read here. Send text, or have the extra `images` installed."
            raise RequestRefused(text, param=param, code="images_not_supported") from error


def too_long(most_bytes: int) -> RequestRefused:
    """The refusal of a body that is longer than that, its images aside."""
    return RequestRefused(
        f"The body is longer than {most_bytes} bytes. Send fewer or shorter messages.",
        status=413,
        code="request_too_large",
    )


def error_body(
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def unavailable(error: SourceUnavailable) -> dict[str, Any]:
    """That something which the answer needs did not answer."""
    return error_body(str(error), kind="server_error", code="source_unavailable")


def end_text(text: str, stops: tuple[str, ...], token_limit: int | None) -> Ending:
    """`text` up to the earliest stop string and at most `token_limit` tokens.

    >>> end_text("Take one. Then wait.", ("Then",), None)
    Ending(text='Take one. ', finish_reason='stop')
    >>> end_text("Take one. Then wait.", (), 2)
    Ending(text='Take one', finish_reason='length')
    """
    cut = min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))
    kept = text[:cut]
    tokens = list(TOKEN.finditer(kept))
    if token_limit is None or len(tokens) <= token_limit:
        return Ending(kept, "stop")
    return Ending(kept[: tokens[token_limit - 1].end()], "length")


def sentences(text: str) -> list[str]:
    """The sentences of `text` with the space that follows each: joined, they are `text` again.

    >>> sentences("Take 2.5 mg. Do not drive.")
    ['Take 2.5 mg. ', 'Do not drive.']
    """
    return SENTENCE.findall(text)


def evidence(reply: Reply) -> dict[str, Any]:
    """What stands beside the text: citations, works, checks, and the reason without an answer."""
    fields = {"statements", "citations", "abstained", "reason", "choices", "checks"}
    fields |= {"generated", "plain", "language", "emergency", "call"}
    works = [shown_work(work) for work in reply.works]
    return {**reply.model_dump(mode="json", include=fields), "works": works}


def shown_work(work: Reference) -> dict[str, Any]:
    """A publication that a reply names: what it is, where it is, and how sure its DOI is."""
    match = work.match.model_dump() if work.match else dict.fromkeys(DoiMatch.model_fields)
    return {
        "doi": work.doi,
        "title": work.title,
        "authors": list(work.authors),
        "year": work.year,
        "url": f"https://doi.org/{quote(str(work.doi), safe='/:;()')}",
        **match,
    }


def completion(request: ChatRequest, reply: Reply) -> dict[str, Any]:
    """The whole answer as one object."""
    ending = end_text(reply.text, request.stops, request.token_limit)
    message = {"role": "assistant", "content": ending.text, "cauce": evidence(reply)}
    choices = [
        {"index": index, "message": message, "finish_reason": ending.finish_reason}
        for index in range(request.n or 1)
    ]
    head = _head(request, "chat.completion")
    return {**head, "choices": choices, "usage": _usage(request, ending.text)}


def chunks(request: ChatRequest, reply: Reply) -> Iterator[dict[str, Any]]:
    """The answer as a stream: for each choice its role, its sentences, then its evidence."""
    ending = end_text(reply.text, request.stops, request.token_limit)
    head = _head(request, "chat.completion.chunk")

    def chunk(index: int, delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        return {
            **head,
            "choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}],
        }

    for index in range(request.n or 1):
        yield chunk(index, {"role": "assistant", "content": ""}, None)
        for sentence in sentences(ending.text):
            yield chunk(index, {"content": sentence}, None)
        yield chunk(index, {"cauce": evidence(reply)}, ending.finish_reason)
    if request.stream_options is not None and request.stream_options.include_usage:
        yield {**head, "choices": [], "usage": _usage(request, ending.text)}


def _head(request: ChatRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": request.model,
    }


def _usage(request: ChatRequest, answer: str) -> dict[str, int]:
    prompt = sum(len(TOKEN.findall(message.as_message().content)) for message in request.messages)
    answered = len(TOKEN.findall(answer)) * (request.n or 1)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answered,
        "total_tokens": prompt + answered,
    }
