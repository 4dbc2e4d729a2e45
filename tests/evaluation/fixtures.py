"""Pairs of reference and answer, and a way to make items for logs."""

from cauce.records import Citation, Example, Message

ENGLISH = [
    ("Take 500 mg with food, twice a day.", "Take 500 mg twice a day with food."),
    ("Do not use it if you are allergic to ibuprofen.", "Do not use it, you are allergic!"),
    ("Keep it below 25 C (in its box).", "Keep the box below 25 C; keep it dry."),
    ("It lowers blood glucose.", "It lowers blood glucose."),
    ("the the the cat", "the cat the dog the cat sat on the mat"),
    ("Stop at once", "xyz"),
    ("Rest.", ""),
]
SPANISH = [
    ("Tome 2,5 mg cada 8 horas con agua.", "Tome 2,5 mg con agua cada 8 horas."),
    ("¿Puede conducir? No conduzca si está mareado.", "No conduzca: el niño está mareado."),
    ("El próximo año, según la dosis (½ comprimido).", "Según el año, ½ comprimido; la dosis…"),
    ("Los niños pequeños duermen mucho", "El niño pequeño durmió mucho más"),
    ("Guárdelo a menos de 25 °C.", "Guárdelo en la nevera, a 5 °C."),
]
MANY_SENTENCES = [
    ("Tome agua. No conduzca.\nDescanse dos días.", "No conduzca hoy. Tome agua y descanse."),
    ("The cat sat. The dog ran.\nA bird flew by.", "A bird sat. The cat ran by the dog."),
]


def example(
    identity: str, *, group: str = "ibuprofen", completion: str = "Tome 400 mg."
) -> Example:
    question = f"¿Cuál es la dosis de {group}?"
    evidence = Citation(
        source="test", id=group, version="1", section="dose", quote="Tome 400 mg cada 8 horas."
    )
    return Example(
        id=identity,
        messages=(Message(role="user", content=f"{evidence.quote}\n\n{question}"),),
        completion=completion,
        question=question,
        evidence=evidence,
        group=group,
        kind="dose",
        language="es",
    )
