"""Models that follow the recipe's prompts: one loaded here, or one behind a server.

What either wrote is kept on disk, so a run that was killed has the rest written and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cauce.corpus.research.rewriting import PromptWriter
from cauce.corpus.research.settings import WriterSettings
from cauce.models.finding import resolve
from cauce.models.generation import generate
from cauce.models.loading import LoadedModel
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.records import Message
from cauce.runs import fingerprint
from cauce.sources.chat import ChatServer
from cauce.sources.kept import Answer, KeptAnswers, now

WRITTEN = "written"
"""Folder of a run in which texts are kept, beside the folders of its stages."""
MAX_NEW_TOKENS = 100
"""Longest text of a model that is loaded here."""
BATCH_SIZE = 16


class LocalWriter:
    """Texts that a loaded model writes, the likeliest token each time."""

    def __init__(self, model: LoadedModel, state: str, folder: Path) -> None:
        """`state` changes when the model's weights do."""
        self._model, self._state = model, state
        self._kept = KeptAnswers(folder, max_age_days=0)

    def __call__(self, prompts: Sequence[str], /) -> list[str]:
        """One text for each prompt, in their order; each prompt is followed once, ever."""
        kept = {prompt: self._kept.find(self._address(prompt)) for prompt in prompts}
        missing = [prompt for prompt, answer in kept.items() if answer is None]
        texts = {prompt: answer.text for prompt, answer in kept.items() if answer}
        for start in range(0, len(missing), BATCH_SIZE):
            texts |= self._write(missing[start : start + BATCH_SIZE])
        return [texts[prompt] for prompt in prompts]

    def _write(self, prompts: Sequence[str]) -> dict[str, str]:
        asked = [[Message(role="user", content=prompt)] for prompt in prompts]
        written = generate(self._model, asked, max_new_tokens=MAX_NEW_TOKENS, batch_size=BATCH_SIZE)
        texts = {prompt: own.text for prompt, own in zip(prompts, written, strict=True)}
        for prompt, text in texts.items():
            self._kept.keep(Answer(self._address(prompt), text, now()))
        return texts

    def _address(self, prompt: str) -> str:
        return f"{self._state} {prompt}"


def load_writer(
    settings: WriterSettings, folder: Path, *, at_hand: LoadedModel | None = None
) -> PromptWriter:
    """The writer that a recipe names; `at_hand` is it where it has that name and no server.

    Raises NotFound without the model, and UserError without the server's key.
    """
    if settings.url:
        return ChatServer(
            settings.url,
            settings.model,
            folder=folder,
            key_variable=settings.key,
            options=settings.options,
        )
    files = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(resolve(settings.model).glob("*.safetensors"))
    ]
    is_at_hand = at_hand is not None and at_hand.name == settings.model
    model = at_hand if is_at_hand else load_base(ModelSettings(base=settings.model))
    assert model is not None
    return LocalWriter(model, fingerprint(settings.model, MAX_NEW_TOKENS, files), folder)
