"""Routes, populations, negations and conditions in Spanish and English, each with one name.

A phrase is a row of folded words as `tokens_of` gives them. Inflected forms are written out: a form
that is missing is read as ordinary words, which must then stand in the source as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from cauce.knowledge.claims.tokens import Token

Kind = Literal["route", "population", "negation", "exception", "condition", "modal", "degree"]


class Phrase(NamedTuple):
    """What a row of words says, and how many tokens it takes."""

    kind: Kind
    name: str
    length: int


ROUTES = {
    "oral": "oral|orally|by mouth|per os|po|vo|via oral|por via oral|por boca|peroral|orales",
    "intravenous": "intravenous|intravenously|iv|via intravenosa|por via intravenosa|intravenosa|"
    "intravenoso|endovenosa|via endovenosa|por via endovenosa|intravenosas|intravenosos",
    "intramuscular": "intramuscular|intramuscularly|im|via intramuscular|por via intramuscular",
    "subcutaneous": "subcutaneous|subcutaneously|sc|sq|subq|via subcutanea|por via subcutanea|"
    "subcutanea|subcutaneo|subcutaneas|subcutaneos",
    "topical": "topical|topically|topica|topico|via topica|por via topica|topicas|"
    "via cutanea|cutaneo|cutanea|por via cutanea",
    "rectal": "rectal|rectally|via rectal|por via rectal|per rectum|por el recto",
    "vaginal": "vaginal|vaginally|intravaginal|intravaginally|via vaginal|por via vaginal",
    "inhaled": "inhaled|by inhalation|inhalada|inhalado|inhalatoria|via inhalatoria|"
    "por via inhalatoria|por inhalacion|inhalacion|inhalation|inhaladas|inhalados",
    "ophthalmic": "ophthalmic|ophthalmically|via oftalmica|oftalmica|oftalmico|por via oftalmica|"
    "ocular|via ocular|intraocular",
    "otic": "otic|via otica|otica|otico|por via otica|auricular",
    "nasal": "nasal|nasally|intranasal|intranasally|via nasal|por via nasal|via intranasal",
    "sublingual": "sublingual|sublingually|under the tongue|via sublingual|por via sublingual|"
    "debajo de la lengua|bajo la lengua",
    "buccal": "buccal|buccally|via bucal|bucal|por via bucal|bucales",
    "transdermal": "transdermal|transdermally|via transdermica|transdermica|transdermico|"
    "por via transdermica",
    "intradermal": "intradermal|intradermally|via intradermica|intradermica|intradermico",
    "intrathecal": "intrathecal|intrathecally|via intratecal|intratecal|por via intratecal",
    "epidural": "epidural|epidurally|via epidural|por via epidural",
    "intraarticular": "intraarticular|intra-articular|intraarticularly",
    "parenteral": "parenteral|parenterally|via parenteral|por via parenteral",
}

POPULATIONS = {
    "adults": "adult|adults|adulto|adultos|adulta|adultas",
    "children": "child|children|pediatric|paediatric|pediatrico|pediatricos|pediatrica|pediatricas|"
    "nino|ninos|nina|ninas|poblacion pediatrica|edad pediatrica|childhood|infancia",
    "adolescents": "adolescent|adolescents|adolescente|adolescentes|teenager|teenagers",
    "infants": "infant|infants|baby|babies|lactante|lactantes|bebe|bebes",
    "newborns": "newborn|newborns|neonate|neonates|neonatal|neonato|neonatos|recien nacido|"
    "recien nacidos|prematuro|prematuros|premature infants|preterm infants",
    "elderly": "elderly|geriatric|older adults|older people|older patients|anciano|ancianos|"
    "edad avanzada|personas mayores|pacientes mayores|geriatrico|geriatrica|geriatricos|"
    "geriatricas|older adult|older persons|tercera edad|ancianas",
    "pregnancy": "pregnant|pregnancy|pregnancies|embarazo|embarazada|embarazadas|gestacion|"
    "gestante|gestantes|gestation",
    "lactation": "breastfeeding|breast feeding|breast - feeding|nursing mothers|nursing women|"
    "lactation|lactating|lactancia|dar el pecho|dando el pecho|amamantar|breastfed|nursing|"
    "breast - fed|breastfeed|breast - feed|lactancia materna",
    "renal impairment": "renal impairment|renal insufficiency|renal failure|kidney disease|"
    "kidney failure|renal disease|renal dysfunction|impaired renal function|kidney problems|"
    "insuficiencia renal|deterioro renal|alteracion renal|enfermedad renal|disfuncion renal|"
    "fallo renal|problemas renales|problemas de rinon|kidney impairment",
    "hepatic impairment": "hepatic impairment|hepatic insufficiency|hepatic failure|liver disease|"
    "liver failure|hepatic disease|hepatic dysfunction|impaired hepatic function|liver problems|"
    "insuficiencia hepatica|deterioro hepatico|alteracion hepatica|enfermedad hepatica|"
    "disfuncion hepatica|fallo hepatico|problemas hepaticos|problemas de higado|liver impairment",
    "men": "man|men|male|males|hombre|hombres|varon|varones",
    "women": "woman|women|female|females|mujer|mujeres",
}

NEGATIONS = {
    "not": "no|not|cannot|don ' t|doesn ' t|isn ' t|can ' t|mustn ' t|aren ' t|shouldn ' t|won ' t|"
    "didn ' t|nor|ni|don ’ t|doesn ’ t|isn ’ t|can ’ t|mustn ’ t|aren ’ t|shouldn ’ t|won ’ t|"
    "didn ’ t|tampoco|none|ningun|ninguna|ninguno|neither|nobody|nadie|nothing|nada",
    "never": "never|nunca|jamas",
    "without": "without|sin",
    "avoid": "avoid|avoids|avoided|avoiding|avoidance|evite|evitar|evitarse|evita|eviten|evitando",
    "contraindicated": "contraindicated|contraindication|contraindications|contraindicado|"
    "contraindicada|contraindicados|contraindicadas|contraindicacion|contraindicaciones|"
    "contraindica",
    "lack": "lack|lacks|lacking|absence|ausencia|falta|fail|fails|failed|failure to",
    "stop": "stop|discontinue|discontinued|suspender|suspenda|interrumpir|interrumpa|withheld",
    "forbidden": "prohibited|forbidden|prohibido|prohibida|refrain|abstenerse|abstengase",
}

EXCEPTIONS = {
    "unless": "unless|a menos que|a no ser que|salvo que|excepto que",
    "except": "except|except for|excepto|salvo|excluding|other than|exceptuando|a excepcion de|"
    "con excepcion de|aparte de|apart from",
    "only": "only|solo|solamente|unicamente|exclusivamente|exclusively|solely",
}

CONDITIONS = {
    "if": "if|si|in case of|en caso de|en caso de que|provided that|siempre que|whether",
    "when": "when|whenever|cuando|mientras|while",
    "until": "until|hasta que",
}

MODALS = {
    "may": "may|might|can|could|puede|pueden|podria|podrian|puedan|pueda",
    "must": "must|should|shall|debe|deben|debera|deberan|deberia|deberian|debes|tiene que|hay que",
    "seldom": "rarely|seldom|raramente|hardly|apenas|rara vez|raras veces",
    "mostly": "usually|generally|generalmente|normalmente|habitualmente|typically|often|a menudo",
    "sometimes": "sometimes|occasionally|a veces|ocasionalmente|en ocasiones",
}

DEGREES = {
    "maximum": "maximum|maximal|max|maximo|maxima|maximos|maximas",
    "minimum": "minimum|minimal|min|minimo|minima|minimos|minimas",
    "more": "more|mas|greater|higher|mayor|mayores|superior|superiores|increased",
    "less": "less|fewer|menos|lower|menor|menores|inferior|inferiores|decreased",
    "exceed": "exceed|exceeds|exceeding|exceeded|exceder|exceda|superar|supere|sobrepasar",
    "severe": "severe|severely|grave|graves|severa|severo|severas|severos",
    "moderate": "moderate|moderately|moderada|moderado|moderadas|moderados",
    "mild": "mild|mildly|leve|leves",
    "acute": "acute|acutely|aguda|agudo|agudas|agudos",
    "chronic": "chronic|chronically|cronica|cronico|cronicas|cronicos",
    "active": "active|activa|activo|activas|activos",
    "half": "half|mitad|media|medio",
    "double": "double|twofold|doble|duplicar",
    "initial": "initial|starting|inicial|iniciales",
    "total": "total|additional|adicional|adicionales",
}
"""Qualifiers that change how much or how bad: a claim may not leave them out of what it keeps."""


def _rows() -> Iterator[tuple[tuple[str, ...], tuple[Kind, str]]]:
    tables: Mapping[Kind, Mapping[str, str]] = {
        "degree": DEGREES,
        "modal": MODALS,
        "condition": CONDITIONS,
        "population": POPULATIONS,
        "route": ROUTES,
        "negation": NEGATIONS,
        "exception": EXCEPTIONS,
    }
    for kind, table in tables.items():
        for name, phrases in table.items():
            for phrase in phrases.split("|"):
                yield tuple(phrase.split()), (kind, name)


_PHRASES = dict(_rows())
_LONGEST = {first: 0 for first, *_ in _PHRASES}
for _words in _PHRASES:
    _LONGEST[_words[0]] = max(_LONGEST[_words[0]], len(_words))


def read_phrase(tokens: Sequence[Token], start: int) -> Phrase | None:
    """The longest phrase of the tables that starts there; None when there is none."""
    for length in range(_LONGEST.get(tokens[start].text, 0), 0, -1):
        found = _PHRASES.get(tuple(token.text for token in tokens[start : start + length]))
        if found:
            return Phrase(*found, length)
    return None
