"""Units of medicines in Spanish and English, each as an exact multiple of its dimension's base."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Unit(NamedTuple):
    """A dimension and how many of its base unit this one is."""

    dimension: str
    factor: Fraction = Fraction(1)


_MEASURES: dict[tuple[str, int | str], str] = {
    ("g", 1): "g gram grams gramo gramos gm gms",
    ("g", 1000): "kg kilo kilos kilogram kilograms kilogramo kilogramos",
    ("g", "1/1000"): "mg mgs milligram milligrams miligramo miligramos",
    ("g", "1/1000000"): "ug mcg microgram micrograms microgramo microgramos",
    ("g", "1/1000000000"): "ng nanogram nanograms nanogramo nanogramos",
    ("g", "1/1000000000000"): "pg picogram picograms picogramo picogramos",
    ("l", 1): "l liter liters litre litres litro litros",
    ("l", "1/10"): "dl deciliter deciliters decilitro decilitros",
    ("l", "1/1000"): "ml mls cc milliliter milliliters millilitre millilitres mililitro mililitros",
    ("l", "1/1000000"): "ul microliter microliters microlitro microlitros",
    ("h", "1/3600"): "s sec secs second seconds segundo segundos",
    ("h", "1/60"): "min mins minute minutes minuto minutos",
    ("h", 1): "h hr hrs hour hours hora horas",
    ("h", 24): "d day days dia dias",
    ("h", 168): "wk wks week weeks semana semanas",
    ("month", 1): "month months mes meses",
    ("month", 12): "yr yrs year years ano anos",
    ("mol", 1): "mol mols mole moles",
    ("mol", "1/1000"): "mmol mmols milimol milimoles millimole millimoles",
    ("mol", "1/1000000"): "umol umols micromol micromoles micromole",
    ("mol", "1/1000000000"): "nmol nanomol nanomoles",
    ("eq", "1/1000"): "meq meqs miliequivalentes milliequivalents",
    ("iu", 1): "iu ui",
    ("iu", 1000000): "miu mui",
    ("u", 1): "u unit units unidad unidades",
    ("%", 1): "%",
    ("mmhg", 1): "mmhg",
    ("cal", 1): "cal calorie calories",
    ("cal", 1000): "kcal kilocalorias kilocalories",
    ("j", 1000): "kj",
    ("m", 1): "m meter meters metre metres metro metros",
    ("m", "1/100"): "cm centimeter centimeters centimetro centimetros",
    ("m", "1/1000"): "mm millimeter millimeters milimetro milimetros",
    ("m2", 1): "m2",
    ("m2", "1/10000"): "cm2",
    ("inch", 1): "inch inches pulgada pulgadas",
    ("lb", 1): "lb lbs pound pounds libra libras",
    ("ounce", 1): "oz ounce ounces onza onzas",
    ("point", 1): "point points punto puntos",
    ("celsius", 1): "oc",
}
UNITS = {
    word: Unit(dimension, Fraction(factor))
    for (dimension, factor), words in _MEASURES.items()
    for word in words.split()
}
"""Each folded unit word. A drop, IU, unit and mEq equal no mass; a month is no number of weeks."""

PHRASES = {
    ("international", "units"): Unit("iu"),
    ("international", "unit"): Unit("iu"),
    ("unidades", "internacionales"): Unit("iu"),
    ("unidad", "internacional"): Unit("iu"),
    ("per", "cent"): Unit("%"),
    ("por", "ciento"): Unit("%"),
    ("mm", "hg"): Unit("mmhg"),
    ("°", "c"): Unit("celsius"),
    ("°", "f"): Unit("fahrenheit"),
    ("million", "units"): Unit("u", Fraction(1000000)),
    ("millones", "de", "unidades"): Unit("u", Fraction(1000000)),
}
"""Units of several tokens."""

_COUNTED = {
    "tablet": "tablet tablets comprimido comprimidos tableta tabletas caplet caplets",
    "capsule": "capsule capsules capsula capsulas softgel softgels",
    "drop": "drop drops gota gotas",
    "puff": "puff puffs inhalation inhalations inhalacion inhalaciones actuation actuations",
    "spray": "spray sprays pulverizacion pulverizaciones",
    "sachet": "sachet sachets sobre sobres packet packets",
    "dose": "dose doses dosis toma tomas",
    "spoonful": "teaspoon teaspoons teaspoonful teaspoonfuls tsp cucharadita cucharaditas",
    "tablespoon": "tablespoon tablespoons tablespoonful tablespoonfuls tbsp cucharada cucharadas",
    "patch": "patch patches parche parches",
    "vial": "vial vials viales",
    "ampoule": "ampoule ampoules ampule ampules ampolla ampollas",
    "syringe": "syringe syringes jeringa jeringas pen pens pluma plumas",
    "suppository": "suppository suppositories supositorio supositorios",
    "injection": "injection injections inyeccion inyecciones",
    "application": "application applications aplicacion aplicaciones",
    "cycle": "cycle cycles ciclo ciclos",
    "time": "time times vez veces",
    "patient": "patient patients paciente pacientes",
}
COUNTED = {word: Unit(name) for name, words in _COUNTED.items() for word in words.split()}
"""What is counted: dosage forms, doses, times, patients."""

PERIODS = {
    "daily": Unit("h", Fraction(24)),
    "diario": Unit("h", Fraction(24)),
    "diaria": Unit("h", Fraction(24)),
    "diarios": Unit("h", Fraction(24)),
    "diarias": Unit("h", Fraction(24)),
    "weekly": Unit("h", Fraction(168)),
    "semanal": Unit("h", Fraction(168)),
    "semanales": Unit("h", Fraction(168)),
    "hourly": Unit("h"),
    "monthly": Unit("month"),
    "mensual": Unit("month"),
    "mensuales": Unit("month"),
}
"""Words that say by what time a quantity or a frequency counts."""
