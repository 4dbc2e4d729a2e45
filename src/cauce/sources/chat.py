"""A model behind an OpenAI-compatible server, which is asked to follow prompts.

    write = ChatServer("http://localhost:8000/v1", "some-model", folder=Path("written"))
    texts = write(["Say in other words: ..."])

Every answer is kept on disk as soon as it is there, so that a run that was killed asks for the rest
alone, and one that is repeated asks nobody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.errors import DataRefused, UserError
from cauce.sources.kept import Answer, KeptAnswers, now
from cauce.sources.pace import Pace
from cauce.sources.polite import ask, polite_client

if TYPE_CHECKING:
    import httpx

AT_ONCE = 4
PER_SECOND = 50.0
CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 300.0
"""A model on a processor takes minutes for an answer, and sends nothing before it is whole."""


class ChatServer:
    """Texts that a server's model writes; threads may share it."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        folder: Path,
        key_variable: str = "",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """`url` is the address up to `/v1`; `options` are more fields of each request.

        Raises UserError where the environment variable `key_variable` holds no key.
        """
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._options = {**(options or {})}
        self._kept = KeptAnswers(folder, max_age_days=0)
        self._pace = Pace(PER_SECOND, AT_ONCE)
        self._key_variable = key_variable
        self._key = os.environ.get(key_variable, "") if key_variable else ""
        if key_variable and not self._key:
            raise UserError(
                f"the environment variable {key_variable}, which is to hold the key of {url}, is "
                f"empty.\nSet it: export {key_variable}=..., or leave the key out of the recipe."
            )

    def __call__(self, prompts: Sequence[str], /) -> list[str]:
        """One text for each prompt, in their order; each prompt is asked once, ever.

        Raises SourceUnavailable when the server does not answer, UserError when it refuses, and
        DataRefused when it answers something else than a chat; what came before them is kept.
        """
        kept = {prompt: self._find(prompt) for prompt in dict.fromkeys(prompts)}
        missing = [prompt for prompt, text in kept.items() if text is None]
        if missing:
            kept.update(zip(missing, self._ask_all(missing), strict=True))
        return [kept[prompt] or "" for prompt in prompts]

    def _find(self, prompt: str) -> str | None:
        answer = self._kept.find(self._address(prompt))
        return answer and self._text_of(answer.text)

    def _ask_all(self, prompts: Sequence[str]) -> list[str]:
        import httpx

        with polite_client(connections=AT_ONCE) as client:
            client.timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
            pool = ThreadPoolExecutor(AT_ONCE)
            try:
                return list(pool.map(lambda prompt: self._ask(client, prompt), prompts))
            finally:
                pool.shutdown(cancel_futures=True)

    def _ask(self, client: httpx.Client, prompt: str) -> str:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        response = ask(client, self._url, headers, pace=self._pace, body=self._body(prompt))
        if response.status_code != 200:
            raise self._refusal(response)
        text = self._text_of(response.text)
        self._kept.keep(Answer(self._address(prompt), response.text, now()))
        return text

    def _body(self, prompt: str) -> dict[str, Any]:
        messages = [{"role": "user", "content": prompt}]
        return {"model": self._model, "messages": messages, **self._options}

    def _address(self, prompt: str) -> str:
        """What an answer is kept under: everything that it depends on."""
        return f"{self._url} {json.dumps(self._body(prompt), sort_keys=True)}"

    def _text_of(self, answer: str) -> str:
        """What the model says in a chat completion; empty where it says nothing."""
        try:
            text = json.loads(answer)["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise DataRefused(
                f"{self._url} answered what is no chat completion: {answer[:120]!r}.\n"
                "Nothing of it was kept. Check that corpus.writer.url is that of an "
                "OpenAI-compatible server."
            ) from error
        return str(text or "")

    def _refusal(self, response: httpx.Response) -> UserError:
        status, said = response.status_code, " ".join(response.text[:300].split())
        if self._key:
            said = said.replace(self._key, "***")
        return UserError(
            f"{self._url} refused to let {self._model!r} write (HTTP {status}): {said}\n"
            f"{self._advice(status)}"
        )

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            if self._key:
                return f"Check the key in the environment variable {self._key_variable}."
            return "Name the variable that holds its key: corpus.writer.key."
        if status == 404 or status < 400:
            return "Check corpus.writer.url, which mostly ends in /v1, and corpus.writer.model."
        return "Check corpus.writer.options: the server may not know or want one of its fields."
