"""Small documents for tests, written for them."""

from __future__ import annotations

from cauce.records import Document, Language, Names, Section

TEXTS = {
    "use": "{name} relieves pain and lowers fever. It does not cure the infection behind it.",
    "dose": "Adults take {dose} mg every 8 hours. Do not take more than 3 doses a day. "
    "In renal impairment take half of it once a day.",
    "driving": "{name} does not affect driving. Do not drive if you feel dizzy.",
    "storage": "Keep {name} below 25 °C. Keep it out of the reach of children.",
}
SPANISH = {
    "use": "{name} alivia el dolor y baja la fiebre. No cura la infección que hay detrás.",
    "dose": "Los adultos toman {dose} mg cada 8 horas. No tome más de 3 dosis al día. "
    "En la insuficiencia renal tome la mitad una vez al día.",
    "driving": "{name} no afecta a la conducción. No conduzca si se marea.",
    "storage": "Conserve {name} por debajo de 25 °C. Manténgalo fuera del alcance de los niños.",
}


def medicine(
    name: str,
    *,
    dose: int = 400,
    language: Language = "en",
    brands: tuple[str, ...] = (),
    group: str = "",
    document_id: str = "",
    also: tuple[str, ...] = (),
) -> Document:
    """A medicine with four sections whose texts name it and its dose."""
    texts = TEXTS if language == "en" else SPANISH
    return Document(
        source="test",
        id=document_id or name,
        version="1",
        title=name.capitalize(),
        language=language,
        group=group or name,
        names=Names(substances=(name,), generics=(name, *also), brands=brands),
        sections=tuple(
            Section(
                id=kind, kind=kind, title=kind, text=text.format(name=name.capitalize(), dose=dose)
            )
            for kind, text in texts.items()
        ),
    )
