"""What is on an image becomes a name in the question: read by a model, and resolved as text is.

A vision-language model writes down the name on a box. What it wrote is judged as any text that a
stranger hands in: one that orders the assistant about is refused. The name is then looked for among
those of the documents: look-alikes are asked about, unknown names are told, and only a name of the
documents themselves goes on into the question. The reader of the answer is told what was read.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

from cauce.assistant.answers import unresolved
from cauce.corpus.examples import spoken
from cauce.corpus.tokens import tokenize
from cauce.errors import UserError
from cauce.knowledge.names.resolver import NameResolver
from cauce.models.finding import CARD, resolve
from cauce.models.generation import generate
from cauce.models.loading import LoadedModel
from cauce.models.prediction import probability
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned
from cauce.records import Check, Message, Reply, Spoken, Statement
from cauce.safety.guard.finding import guard_input
from cauce.safety.guard.settings import GuardSettings
from cauce.safety.language import spoken_language
from cauce.sources.images import decode_image, image_uri

ASKED = "Escribe el nombre del medicamento de esta caja, y nada más."
"""What the model is asked of an image; what it was trained to answer."""
LONGEST_NAME = 40
"""Tokens of a name that is read."""
SURE = 0.9
"""Probability that a model must give to the name it read; below it nothing was read."""

BLIND: dict[Spoken, str] = {
    "es": "No puedo mirar imágenes: escriba el nombre del medicamento.",
    "ca": "No puc mirar imatges: escriviu el nom del medicament.",
    "en": "I cannot look at images: write the name of the medicine.",
}
"""What is said to an image where no model reads them."""
UNREADABLE: dict[Spoken, str] = {
    "es": "No leo con seguridad el nombre en la imagen. Escríbalo, o haga otra foto de frente y "
    "con luz.",
    "ca": "No llegeixo amb seguretat el nom a la imatge. Escriviu-lo, o feu una altra foto de cara "
    "i amb llum.",
    "en": "I cannot read the name on the image for certain. Write it, or take another photo from "
    "the front and in good light.",
}
ORDERS: dict[Spoken, str] = {
    "es": "Lo que está escrito en la imagen no es el nombre de un medicamento. Escríbalo usted.",
    "ca": "El que hi ha escrit a la imatge no és el nom d'un medicament. Escriviu-lo vós.",
    "en": "What is written on the image is not the name of a medicine. Write it yourself.",
}
"""What is said to an image that orders the assistant about."""
READ: dict[Spoken, str] = {
    "es": "En la imagen un modelo ha leído «{name}»: compruebe que es lo que pone.",
    "ca": "A la imatge un model ha llegit «{name}»: comproveu que és el que hi diu.",
    "en": "On the image a model has read “{name}”: check that this is what it says.",
}
"""What stands before an answer that rests on an image."""


class Seen(NamedTuple):
    """A conversation whose images have become names in its texts."""

    question: str
    history: tuple[Message, ...]
    names: tuple[str, ...]
    """What was read on the images of the question."""

    def told(self, reply: Reply) -> Reply:
        """The reply, behind what was read."""
        return _behind(self.names, reply, spoken_language(self.question))


class Eyes:
    """A vision-language model that reads the names of medicines."""

    def __init__(self, model: LoadedModel, resolver: NameResolver, guards: GuardSettings) -> None:
        """Raises UserError for a model that reads no images."""
        if model.processor is None:
            raise UserError(
                f"assistant.reader is {model.name!r}, which reads text alone.\n"
                "Name a vision-language model, such as the run of recipes/boxes.yaml."
            )
        self._model, self._resolver, self._guards = model, resolver, guards
        # Models that see keep in themselves where the text behind an image begins.
        self._one_at_a_time = threading.Lock()

    @classmethod
    def load(cls, name: str, resolver: NameResolver, guards: GuardSettings) -> Eyes:
        """The eyes of the model of that name: a folder that cauce tuned, or a base."""
        folder = resolve(name)
        is_tuned = (folder / CARD).is_file()
        model = load_tuned(folder) if is_tuned else load_base(ModelSettings(base=name))
        return cls(model, resolver, guards)

    def look(
        self, question: str, images: Sequence[str], history: Sequence[Message]
    ) -> Seen | Reply:
        """The conversation with names in the place of its images, or why it cannot go on.

        Earlier images that cannot be read, or name nothing that is known, are left out.
        """
        language = spoken_language(question)
        names: list[str] = []
        for image in images:
            found = self._name_on(image, language)
            if isinstance(found, Reply):
                return found
            names += found
        earlier = tuple(self._named(turn) for turn in history)
        return Seen(_with_names(question, names), earlier, tuple(names))

    def read(self, image: str) -> tuple[str, float]:
        """What is written on an image, and how probable the model finds it; nothing unfinished."""
        with self._one_at_a_time:
            return self._read(image_uri(decode_image(image)))

    def _read(self, seen: str) -> tuple[str, float]:
        asked = (Message(role="user", content=ASKED, images=(seen,)),)
        model = self._model
        [written] = generate(model, [asked], max_new_tokens=LONGEST_NAME, batch_size=1)
        text = " ".join(written.text.split())
        if not text or not written.is_finished:
            return "", 0.0
        tokens = tokenize(
            model.tokenizer,
            asked,
            written.text,
            is_encoder_decoder=model.is_encoder_decoder,
            max_tokens=2**31,
            processor=model.processor,
        )
        return text, probability(model, tokens)

    def _named(self, turn: Message) -> Message:
        """An earlier turn with the names on its images."""
        if not turn.images:
            return turn
        found = [self._name_on(image, "es") for image in turn.images]
        names = [name for one in found if not isinstance(one, Reply) for name in one]
        return Message(role=turn.role, content=_with_names(turn.content, names))

    def _name_on(self, image: str, language: Spoken) -> tuple[str, ...] | Reply:
        """The names of the documents that stand on the image, or what is said instead."""
        text, sure = self.read(image)
        if sure < SURE:
            return _said(UNREADABLE[language], language, f"unreadable: probability {sure:.2f}")
        if attack := guard_input(text, self._guards):
            reply = _said(ORDERS[language], language, "guard: attack on an image")
            detail = f"on an image: {attack.family}, probability {attack.score:.2f}"
            checks = (Check(name="attack", passed=False, detail=detail),)
            return reply.model_copy(update={"checks": checks})
        resolution = self._resolver.resolve(text)
        if resolution.kind != "found":
            asked = unresolved(resolution, "en" if language == "en" else "es")
            return _behind((text,), asked, language)
        return tuple(spoken(mention.name) for mention in resolution.mentions)


def blind(question: str) -> Reply:
    """The reply to an image where nothing reads it."""
    language = spoken_language(question)
    return _said(BLIND[language], language, "no model reads images: set assistant.reader")


def _with_names(text: str, names: Sequence[str]) -> str:
    return f"{text} ({', '.join(names)})".strip() if names else text


def _behind(names: Sequence[str], reply: Reply, language: Spoken) -> Reply:
    """The reply, behind what was read."""
    if not names:
        return reply
    said = READ[language].format(name=", ".join(names))
    return reply.model_copy(
        update={
            "text": f"{said}\n{reply.text}",
            "statements": (Statement(text=said), *reply.statements),
        }
    )


def _said(text: str, language: Spoken, reason: str) -> Reply:
    return Reply(
        text=text,
        statements=(Statement(text=text),),
        abstained=True,
        reason=reason,
        language=language,
    )
