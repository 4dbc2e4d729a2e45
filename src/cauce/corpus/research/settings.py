"""What the recipe says of the questions that are made of citing sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from cauce.corpus.shares import SplitShares
from cauce.errors import NotFound
from cauce.records import Record

Opening = Literal["evidence", "phrases"]
"""What a question is built on: the whole statement of a sentence, or its key phrases."""


class WriterSettings(Record):
    """A model that follows prompts: loaded here, or behind an OpenAI-compatible server."""

    model: str = Field(min_length=1)
    """A folder or the hub id of a pulled model; with `url` what the server calls it."""
    url: str = Field("", pattern="^(https?://.+)?$")
    """Address of the server, mostly up to `/v1`; empty loads the model here."""
    key: str = Field("", pattern=r"^\w*$")
    """Name of the environment variable that holds the server's key, never the key itself; empty
    sends none."""
    options: dict[str, Any] = Field({"temperature": 0, "max_tokens": 200})
    """More fields of each request to a server, by its own names."""

    @model_validator(mode="after")
    def _only_a_server_takes_a_key(self) -> WriterSettings:
        if self.key and not self.url:
            raise ValueError(f"key is {self.key} and no server is asked; set url, or leave key out")
        return self


class ResearchSettings(SplitShares):
    """How citing sentences become questions answered by DOIs, and how these are split."""

    kind: Literal["research"] = "research"
    max_documents: int = Field(3_000, ge=3)
    """Most articles that questions are made of, drawn by hash."""
    openings: tuple[Opening, ...] = ("evidence", "phrases")
    """Kinds of question, mixed half and half; a sentence that gives none of one gives the other."""
    questions_per_sentence: int = Field(1, ge=1, le=2)
    """Most questions of a sentence; with 2 each is of another kind."""
    embedding: str = ""
    """By which sentences are also found by meaning: `minilm`, a folder or a pulled hub id; empty
    looks for words alone."""
    catalogue: Path | None = None
    """Known works, as `cauce scholar match` reads them: a reference that the articles give no DOI
    gets that of the work it means, and a retracted work is marked. What the articles tag is known
    without it."""
    online: bool = False
    """Whether Crossref, OpenAlex and DataCite are asked for the DOIs that neither gives."""
    mailto: str = ""
    """Your address, by which the registries can reach you."""
    opensearch: str = ""
    """Address of the OpenSearch cluster that is to hold the sentences, for more than one machine;
    the environment has CAUCE_OPENSEARCH_USER and CAUCE_OPENSEARCH_PASSWORD. Empty keeps them in the
    run."""
    rewrite: str = ""
    """Prompt by which `writer` asks in its own words; `{sentence}` stands for the sentence without
    its marks, `{works}` for titles and years of what it cites, `{question}` for the question that
    was made by rule and that stays where the model's is not accepted. Empty asks no model."""
    expand: str = ""
    """Prompt by which `writer` says what to search for, a line each, where evidence is looked for
    in the way `expanded`; `{question}` stands for what was asked. Empty searches by rule."""
    writer: WriterSettings | None = None
    """The model that `rewrite` and `expand` are prompts for."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that are read besides the articles; NotFound where one is missing."""
        if self.catalogue is None:
            return ()
        if not self.catalogue.is_file():
            raise NotFound(
                f"no catalogue {str(self.catalogue)!r}.\n"
                "Name a file of known works in corpus.catalogue, or leave it out."
            )
        return (self.catalogue,)

    @field_validator("openings")
    @classmethod
    def _each_once(cls, openings: tuple[Opening, ...]) -> tuple[Opening, ...]:
        if not openings or len(set(openings)) < len(openings):
            raise ValueError("name evidence, phrases or both, each once")
        return openings

    @field_validator("opensearch")
    @classmethod
    def _holds_no_password(cls, address: str) -> str:
        if address and not re.fullmatch(r"https?://[^\s@]+", address):
            raise ValueError(
                "an address such as https://search.example.org:9200 is needed; user and password "
                "go into the environment"
            )
        return address

    @field_validator("rewrite")
    @classmethod
    def _asks_about_a_sentence(cls, prompt: str) -> str:
        if prompt and "{question}" not in prompt and "{sentence}" not in prompt:
            raise ValueError("the prompt must hold {sentence} or {question}, which it is about")
        return prompt

    @field_validator("expand")
    @classmethod
    def _asks_about_the_question(cls, prompt: str) -> str:
        if prompt and "{question}" not in prompt:
            raise ValueError("the prompt must hold {question}, which is searched for")
        return prompt

    @model_validator(mode="after")
    def _prompts_have_a_writer(self) -> ResearchSettings:
        if (self.writer is not None) != bool(self.rewrite or self.expand):
            raise ValueError(
                "writer would write nothing; give it a prompt, rewrite or expand"
                if self.writer
                else "rewrite and expand are prompts for a model; name it in writer.model"
            )
        return self
