"""People who do not exist: their names, numbers and addresses, put into chats to learn from.

Numbers with check digits get right ones half of the time: people mistype them.
"""

from __future__ import annotations

import importlib.resources
import random
import re
from pathlib import Path

from cauce.knowledge.words import fold

CHATS = Path(__file__).parent / "safety" / "personal_chats.txt"
TIMES = 8
"""How often each chat with people in it is drawn; each of the others is drawn half as often."""

Text = tuple[str, list[tuple[int, int, str]]]

_KINDS = {
    "n": "NOMBRE", "nn": "NOMBRE", "a": "NOMBRE", "ne": "NOMBRE", "nen": "NOMBRE", "ae": "NOMBRE",
    "dni": "DNI", "nie": "DNI", "nuss": "NUSS", "ssn": "NUSS", "iban": "CUENTA",
    "cip": "IDENTIFICADOR", "nhc": "IDENTIFICADOR", "tel": "TELÉFONO", "telen": "TELÉFONO",
    "mail": "CORREO", "url": "WEB", "calle": "DIRECCIÓN", "calleen": "DIRECCIÓN", "cp": "LUGAR",
    "lugar": "LUGAR", "lugaren": "LUGAR", "fecha": "FECHA", "fechaen": "FECHA", "mes": "FECHA",
    "hosp": "CENTRO", "kin": "FAMILIAR", "kinca": "FAMILIAR", "edad": "EDAD", "vejez": "EDAD",
    "vejezen": "EDAD", "edaden": "EDAD", "edadca": "EDAD", "fechaca": "FECHA", "sexo": "SEXO",
    "pais": "PAÍS", "prof": "PROFESIÓN",
}  # fmt: skip
_MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
_CATALAN_MONTHS = (
    *("de gener", "de febrer", "de març", "d'abril", "de maig", "de juny", "de juliol"),
    *("d'agost", "de setembre", "d'octubre", "de novembre", "de desembre"),
)
_ENGLISH_MONTHS = "January February March April May June July August September October November"
_ACCENTS = {
    "garcia": "García", "gonzalez": "González", "rodriguez": "Rodríguez", "fernandez": "Fernández",
    "lopez": "López", "martinez": "Martínez", "sanchez": "Sánchez", "perez": "Pérez",
    "gomez": "Gómez", "jimenez": "Jiménez", "diaz": "Díaz", "munoz": "Muñoz", "nunez": "Núñez",
    "alvarez": "Álvarez", "gutierrez": "Gutiérrez", "vazquez": "Vázquez", "marquez": "Márquez",
    "maria": "María", "jose": "José", "jesus": "Jesús", "lucia": "Lucía", "sofia": "Sofía",
    "raul": "Raúl", "ines": "Inés", "begona": "Begoña", "andres": "Andrés", "angel": "Ángel",
    "oscar": "Óscar", "ivan": "Iván", "ruben": "Rubén", "monica": "Mónica", "ramon": "Ramón",
}  # fmt: skip
_HOSPITALS = (
    "Hospital {p}", "hospital de {p}", "Hospital General de {p}", "hospital {g}", "Clínica {s}",
    "clínica {s}", "Hospital Virgen de {g}", "centro de salud {s}", "Centro de Salud de {p}",
    "ambulatorio de {p}", "Hospital Universitario {s}", "CAP {s}", "residencia {g}",
    "Hospital Clínico", "Policlínica {s}", "Hospital San {g}",
)  # fmt: skip
_STREETS = (
    "calle {s} {d}", "C/ {s}, {d}", "Calle {g} {s} {d}, {f}", "avenida de {p} {d}",
    "Avda. {s}, {d}",
    "plaza {s} {d}", "Plaza de {p}, {d}, {f}", "paseo de {s} {d} {f}", "c/ {s} nº {d}",
    "carrer {s} {d}", "carrer de {g} {s}, {d}, {f}", "camino de {p} s/n", "travesía {s}, {d}",
    "ronda de {p} {d}", "calle {s}", "Gran Vía {d}", "rúa {s} {d}", "{s} {d}, {f}",
    "bloque {d}, escalera B", "urbanización {s}, {d}", "Cal {s}", "partida {p} {d}",
)  # fmt: skip
_FLOORS = ("3º B", "2 A", "bajo", "1º izq", "4ºC", "5, 2", "ático", "portal 2, 3D", "2n 1a")
_PROFESSIONS = (
    "albañil", "maestra", "camionero", "enfermera", "profesor de instituto", "cocinera",
    "fontanero",
    "auxiliar de clínica", "limpiadora", "policía", "administrativo", "agricultor", "abogada",
)  # fmt: skip
_NUMBERS = ["noventa", "noventa_y_dos", "noventa_y_cinco", "noventa_y_siete", "cien"]


def chats(draw: random.Random) -> list[Text]:
    """The chats of the file, filled with other people each time."""
    lines = CHATS.read_text("utf-8").splitlines()
    made: list[Text] = []
    for line in lines:
        if line and not line.startswith("#"):
            times = TIMES if "{" in line else TIMES // 2
            made += (_careless(*_filled(line, draw), draw) for _ in range(times))
    return made


def _filled(line: str, draw: random.Random) -> Text:
    text, spans, at = "", [], 0
    for slot in re.finditer(r"\{(\w+)\}", line):
        text += line[at : slot.start()]
        value = _drawn(slot[1], draw)
        spans.append((len(text), len(text) + len(value), _KINDS[slot[1]]))
        text, at = text + value, slot.end()
    return text + line[at:], spans


def _careless(text: str, spans: list[tuple[int, int, str]], draw: random.Random) -> Text:
    """As people type: small letters, no accents, all capitals; every character keeps its place."""
    way = draw.random()
    if way < 0.3:
        text = text.lower()
    elif way < 0.37:
        text = "".join(it.upper() if len(it.upper()) == 1 else it for it in text)
    if draw.random() < 0.3:
        text = "".join(fold(it) if it.islower() and len(fold(it)) == 1 else it for it in text)
    return text, spans


def _words(name: str) -> list[str]:
    path = importlib.resources.files("cauce") / "data/safety/personal-words.txt"
    for line in path.read_text("utf-8").splitlines():
        if line.startswith(f"{name}: "):
            return line.partition(": ")[2].split()
    raise KeyError(name)


_LISTS = {name: _words(name) for name in ("given", "surname", "place", "country", "kin")}
_ENGLISH_GIVEN = _LISTS["given"][_LISTS["given"].index("john") :]
_ENGLISH_SURNAMES = _LISTS["surname"][
    _LISTS["surname"].index("smith") : _LISTS["surname"].index("bailey")
]
_CATALAN_KIN = ("mare", "pare", "germana", "germà", "filla", "fill", "àvia", "avi", "marit")
_MAILS = ("gmail.com", "hotmail.es", "correo.org")
_SYLLABLES = """
ba be bri ca co da dre el fa gui ha io ka la li lo ma mi na nu o pa qui ra ri sa ta u ve xa yo zu
""".split()  # noqa: SIM905


def _one(name: str, draw: random.Random) -> str:
    """A word of a list with its capital; one in eight names is on no list."""
    if name in ("given", "surname") and draw.random() < 0.12:
        return "".join(draw.choices(_SYLLABLES, k=draw.choice((2, 3, 3)))).capitalize()
    word = draw.choice(_LISTS[name]).replace("_", " ")
    return _ACCENTS.get(word, word.title())


def _given(draw: random.Random) -> str:
    two = draw.random() < 0.2
    return " ".join(_one("given", draw) for _ in range(1 + two))


def _surnames(draw: random.Random) -> str:
    way = draw.random()
    last = _one("surname", draw)
    if way < 0.45:
        return last
    if way < 0.52:
        return f"{draw.choice(('de', 'del', 'de la'))} {last}"
    return f"{_one('surname', draw)}{draw.choice((' ', ' ', ' ', ' ', ' ', '-', ' i '))}{last}"


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choices("0123456789", k=count))


def _drawn(slot: str, draw: random.Random) -> str:
    """A value for a slot."""
    match slot:
        case "n":
            return _given(draw)
        case "a":
            return _surnames(draw)
        case "nn":
            return f"{_given(draw)} {_surnames(draw)}"
        case "nen":
            return draw.choice(_ENGLISH_GIVEN).title()
        case "ae":
            return draw.choice(_ENGLISH_SURNAMES).title()
        case "ne":
            return f"{draw.choice(_ENGLISH_GIVEN).title()} {draw.choice(_ENGLISH_SURNAMES).title()}"
        case "kinca":
            return draw.choice(_CATALAN_KIN)
        case "kin":
            return draw.choice([it for it in _LISTS["kin"][:44] if it[-1] != "s" and it != "mujer"])
        case "lugar" | "lugaren":
            return _one("place", draw)
        case "sexo":
            return draw.choice(["varón", "mujer", "hombre", "niño", "niña"])
        case "pais":
            return _one("country", draw)
        case "prof":
            return draw.choice(_PROFESSIONS)
        case "hosp" | "calle" | "calleen":
            return _place_name(slot, draw)
        case "edad" | "edaden" | "edadca" | "vejez" | "vejezen":
            return _age(slot, draw)
        case "fecha" | "fechaen" | "fechaca" | "mes":
            return _time(slot, draw)
    return _number(slot, draw)


def _place_name(slot: str, draw: random.Random) -> str:
    if slot == "calleen":
        kind = draw.choice(("Street", "Road", "Avenue", "Lane", "Drive"))
        return f"{draw.randrange(1, 900)} {draw.choice(_ENGLISH_SURNAMES).title()} {kind}"
    form = draw.choice(_HOSPITALS if slot == "hosp" else _STREETS)
    return form.format(
        p=_one("place", draw),
        g=_one("given", draw),
        s=_one("surname", draw),
        d=draw.randrange(1, 200),
        f=draw.choice(_FLOORS),
    )


def _age(slot: str, draw: random.Random) -> str:
    years, old = draw.randrange(19, 90), draw.randrange(90, 106)
    if slot == "edad":
        young = f"{draw.randrange(2, 19)} {draw.choice(('años', 'añitos', 'meses'))}"
        return draw.choice((f"{years} años", f"{years} años", young))
    if slot == "edaden":
        return draw.choice((f"{years} years old", f"{years}", f"{draw.randrange(2, 24)} months"))
    if slot == "edadca":
        return draw.choice((f"{years} anys", f"{years} anys", f"{draw.randrange(2, 24)} mesos"))
    if slot == "vejez":
        return f"{draw.choice((str(old), draw.choice(_NUMBERS).replace('_', ' ')))} años"
    return f"{old}" + draw.choice((" years old", "", " years"))


def _time(slot: str, draw: random.Random) -> str:
    day, month, year = draw.randrange(1, 29), draw.randrange(1, 13), draw.randrange(1925, 2027)
    spelled = _MONTHS.split()[month - 1]
    if slot == "mes":
        return draw.choice((spelled, f"{spelled} de {year}", f"{spelled} del {year}"))
    if slot == "fechaca":
        own = f"{day} {_CATALAN_MONTHS[month - 1]}"
        return draw.choice((own, f"{own} de {year}", f"{own} del {year}", f"{day}/{month}/{year}"))
    if slot == "fechaen":
        name = draw.choice(_ENGLISH_MONTHS.split())
        return draw.choice(
            (f"{name} {day}, {year}", f"{day} {name} {year}", f"{month:02}/{day:02}/{year}")
        )
    numbers = f"{day:02}/{month:02}/{year}", f"{day}/{month}/{year % 100:02}", f"{day}/{month}"
    signs = f"{day}-{month}-{year}", f"{day}.{month}.{year}", f"{year}", f"{spelled} de {year}"
    spelt, short = f"{day} de {spelled}", f"{day} {spelled[:3]} {year % 100:02}"
    spelt_years = spelt, f"{spelt} de {year}", f"{spelt} del {year}", f"{spelt} {year}"
    return draw.choice((*numbers, *signs, *spelt_years, short))


def _number(slot: str, draw: random.Random) -> str:
    number = draw.randrange(10**7, 10**8)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"
    is_right = draw.random() < 0.5
    if slot == "dni":
        own = letter[number % 23] if is_right else draw.choice(letter)
        return draw.choice(
            (
                f"{number}{own}",
                f"{number}-{own}",
                f"{number} {own}",
                f"{number:,}".replace(",", ".") + own,
                f"{number:,}".replace(",", draw.choice(". ")) + draw.choice("- ") + own,
            )
        )
    if slot == "nie":
        first, rest = draw.randrange(3), _digits(draw, 7)
        own = letter[int(f"{first}{rest}") % 23]
        gap = draw.choice(("", "", "-", " "))
        return f"{'XYZ'[first]}{gap}{rest}{gap}{own}"
    if slot == "nuss":
        province = draw.randrange(1, 53)
        check = (province * 10**8 + number) % 97 if is_right else draw.randrange(97)
        gap = draw.choice(("", " ", "/", "-"))
        return f"{province:02}{gap}{number}{gap}{check:02}"
    if slot == "tel":
        own = draw.choice("6789") + _digits(draw, 8)
        spaced = draw.choice(((3, 6), (3, 5, 7), (2, 5, 7), (2, 4, 6), ()))
        parts = [own[start:end] for start, end in zip((0, *spaced), (*spaced, 9), strict=True)]
        return draw.choice(("", "", "", "+34 ", "0034 ")) + draw.choice((" ", " ", "-", ".")).join(
            parts
        )
    if slot == "telen":
        return f"{_digits(draw, 3)}-{_digits(draw, 3)}-{_digits(draw, 4)}"
    if slot == "ssn":
        return f"{_digits(draw, 3)}-{_digits(draw, 2)}-{_digits(draw, 4)}"
    if slot == "cip":
        four = "".join(draw.choices("BCDFGHLMNPRSTV", k=4))
        return draw.choice(
            (
                f"{four}{draw.randrange(2)}{_digits(draw, 6)}{_digits(draw, 3)}",
                f"BBBBBBBB{four[:2]}{_digits(draw, 6)}",
                f"AN{_digits(draw, 10)}",
            )
        )
    if slot == "cp":
        return f"{draw.randrange(1, 53):02}{_digits(draw, 3)}"
    if slot == "iban":
        rest = _digits(draw, 20)
        check = 98 - int(rest + "142800") % 97
        return f"ES{check:02}{rest}"
    if slot == "mail":
        name = fold(_one("given", draw)) + draw.choice(("", ".", "_")) + fold(_one("surname", draw))
        return f"{name.replace(' ', '')}{draw.choice(('', '83', '1'))}@{draw.choice(_MAILS)}"
    if slot == "url":
        return f"www.{fold(_one('surname', draw)).replace(' ', '')}.es"
    return _digits(draw, draw.choice((6, 7, 8)))
