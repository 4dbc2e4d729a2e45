"""A model behind an OpenAI-compatible server (vLLM, ...) that writes for people who wait.

    server = UpstreamServer("http://gpu:8000/v1", key_variable="UPSTREAM_KEY")
    server.say([Message(role="user", content="...")], max_tokens=120)

Nothing of a conversation is kept, and no question is asked twice: who waits asks again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from cauce.errors import SourceUnavailable, UserError
from cauce.records import Message
from cauce.sources.polite import polite_client

AT_ONCE = 64
"""Connections; more questions wait for one."""
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 120.0


class Said(NamedTuple):
    """What the server's model wrote."""

    text: str
    is_finished: bool
    """False where it reached its longest."""


class _Words(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Words
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class _Listed(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Listed]


class UpstreamServer:
    """A server and the model that is asked there; threads may share it."""

    def __init__(self, url: str, model: str = "", *, key_variable: str = "") -> None:
        """`url` is the address up to `/v1`; without a `model` it is the only one that is served.

        Raises UserError where the environment variable `key_variable` holds no key, and where the
        server cannot be reached, refuses, or does not serve that model.
        """
        import httpx

        self.url = url.rstrip("/")
        self._key = os.environ.get(key_variable, "") if key_variable else ""
        if key_variable and not self._key:
            raise UserError(
                f"the environment variable {key_variable}, which is to hold the key of {url}, is "
                f"empty.\nSet it: export {key_variable}=..."
            )
        self._client = polite_client(connections=AT_ONCE)
        self._client.timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self.model = self._chosen(model)

    def say(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Said:
        """What the model says next, the likeliest words.

        Raises SourceUnavailable when the server does not answer, or with something else.
        """
        body = {
            "model": self.model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            **({"stop": [*stop]} if stop else {}),
        }
        answer = self._ask("POST", "chat/completions", body)
        try:
            first = _Completion.model_validate_json(answer).choices[0]
        except ValidationError as error:
            raise self._unavailable("answered what is no chat completion") from error
        return Said(first.message.content or "", first.finish_reason != "length")

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _chosen(self, model: str) -> str:
        try:
            models = _Models.model_validate_json(self._ask("GET", "models"))
        except (SourceUnavailable, ValidationError) as error:
            self.close()
            raise UserError(
                f"--upstream {self.url} cannot be used: {str(error).splitlines()[0]}\n"
                "Give the address of an OpenAI-compatible server, which mostly ends in /v1, and "
                "where it wants a key the environment variable that holds it."
            ) from error
        served = [one.id for one in models.data]
        if model in served or (not model and len(served) == 1):
            return model or served[0]
        self.close()
        found = f"does not serve {model!r}" if model else f"serves {len(served)} models"
        raise UserError(
            f"{self.url} {found}.\nName one of: {', '.join(sorted(served)[:20]) or 'none'}"
        )

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        import httpx

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            response = self._client.request(
                method, f"{self.url}/{path}", headers=headers, json=body
            )
        except httpx.TransportError as error:
            raise self._unavailable(str(error) or type(error).__name__) from error
        if response.status_code != 200:
            raise self._unavailable(f"HTTP {response.status_code}")
        return response.text

    def _unavailable(self, reason: str) -> SourceUnavailable:
        """What the server said besides may hold the question, or the key."""
        return SourceUnavailable(
            f"the server that writes the answers did not do so: {reason.rstrip('.')}.\n"
            "Ask again later."
        )
