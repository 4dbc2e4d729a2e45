"""How labels and leaflets write amounts, routes, people, partners and pointers to elsewhere."""

from __future__ import annotations

import re

_NUMBER = r"\d+(?:[.,]\d+)*(?:\s?(?:to|a|or|o|y|and|-|–)\s?\d+(?:[.,]\d+)*)?"
_UNIT = (
    r"mg|mcg|µg|μg|micrograms?|microgramos?|g|kg|ml|l|iu|ui|units?|unidades|mmol|meq|mci|gy|%|°\s?c"
    r"|tablets?|capsules?|comprimidos?|cápsulas?|gotas?|drops?|puffs?|inhalations?"
    r"|inhalacion(?:es)?"
    r"|sobres?|sachets?|sprays?|years?|años?|months?|meses|mes|weeks?|semanas?|days?|días?|hours?"
    r"|horas?|minutes?|minutos?|mmhg|copies"
)
AMOUNT = re.compile(
    rf"(?<![\w.,]){_NUMBER}\s?-?(?:{_UNIT})(?:\s?/\s?(?:kg|m\s?2|m²|day|día|dose|hour|h|min|minute"
    r"|ml|l|dl|week))*(?![^\W\d_])",
    re.IGNORECASE,
)
"""A number with its unit, as printed: "5 to 10 mg/kg/day", "2 comprimidos"."""
FREQUENCY = re.compile(
    r"\b(?:once|twice|three times|four times|\d+ times)(?: or (?:twice|three times))?"
    r"(?: (?:a|per|each|every) | )?(?:day|daily|week|weekly|month|monthly)?\b"
    r"|\bevery (?:other day|\d+(?: to \d+|-\d+)?[ -](?:hours?|days?|weeks?|months?)"
    r"|\w+ (?:hours|days"
    r"|weeks|months)|day|week|month)|\b(?:daily|weekly|monthly|at bedtime)\b"
    r"|\bcada (?:\d+(?:[-–]\d+)?|\w+) (?:horas|días|semanas|meses)|\bcada (?:día|semana|mes)"
    r"|\b(?:una|dos|tres|cuatro|\d+) ve(?:z|ces) (?:al|por|a la) (?:día|semana|mes)"
    r"|\bal (?:día|mes)\b|\bdiari[oa]s?\b|\bdiariamente\b",
    re.IGNORECASE,
)
ROUTE = re.compile(
    r"\b(?:oral(?:ly)?|by mouth|intravenous(?:ly)?|intramuscular(?:ly)?|subcutaneous(?:ly)?"
    r"|intrathecal(?:ly)?|topical(?:ly)?|rectal(?:ly)?|inhal\w+|por boca|(?:por )?vía \w+"
    r"|subcutánea"
    r"|intravenosa|intramuscular|anal)\b",
    re.IGNORECASE,
)
POPULATION = re.compile(
    r"\b(?:adults?|children|pa?ediatric patients?|adolescents?|infants?|neonates?"
    r"|geriatric patients?"
    r"|elderly(?: patients?)?|older adults|females? of reproductive potential|pregnant women"
    r"|patients (?:with|aged|who|on|receiving|taking|weighing) [^.,;:()\[\]]{3,80}"
    r"|adultos?|niñ[oa]s?|adolescentes?|ancianos?|personas mayores|población pediátrica"
    r"|embarazadas?"
    r"|pacientes (?:con|de|que|en|mayores|menores) [^.,;:()\[\]]{3,80}"
    r"|(?:renal|hepatic) impairment|insuficiencia (?:renal|hepática))",
    re.IGNORECASE,
)
MAXIMUM = re.compile(
    r"\b(?:maximum|max\.|not (?:to )?exceed|not be exceeded|up to|no more than|more than|máxim[oa]"
    r"|no (?:se debe )?(?:superar|exceder|sobrepasar)|no (?:tome|use) más de|hasta)\b[^.;:]{0,60}",
    re.IGNORECASE,
)
ADJUSTMENT = re.compile(
    r"\b(?:reduc\w+|increas\w+|adjust\w*|titrat\w+|decreas\w+|withh[eo]ld\w*|interrupt\w*"
    r"|discontinu\w+"
    r"|half|dose modification\w*|aument\w+|ajust\w+|disminu\w+|mitad|suspend\w+|interrump\w+)",
    re.IGNORECASE,
)
ACTION = re.compile(
    r"\b(?:avoid\w*|monitor\w*|contraindicated|not recommended|do not|should not|must not|caution"
    r"|reduc\w+|separate|consider\w*|adjust\w*|evit\w+|vigil\w+|control\w*|contraindicad\w+"
    r"|consult\w+"
    r"|no (?:se )?(?:debe|recomienda|tome|use)|precaución|inform\w+|ajust\w+)",
    re.IGNORECASE,
)
FOOD = re.compile(
    r"\b(?:grapefruit|alcohol\w*|food|meals?|milk|dairy|caffeine|st\.? john.s wort|antacids?"
    r"|tyramine"
    r"|pomelo|toronja|alimentos?|comidas?|leche|café|cafeína|hierba de san juan|hipérico)\b",
    re.IGNORECASE,
)
CLASS = re.compile(
    r"\b(?:(?:strong|moderate|weak|potent|combined) )?(?:[\w/-]+ )?(?:inhibitors?|inducers?"
    r"|substrates?"
    r"|antagonists?|agonists?|blockers?|depressants?|diuretics?|anticoagulants?|antidepressants?"
    r"|antipsychotics?|contraceptives?|vaccines?|nsaids?|ssris?|maois?)\b"
    r"|\b(?:inhibidor|inductor|antagonista|diurético|anticoagulante|antidepresivo|anticonceptivo"
    r"|vacuna|corticoide|antiinflamatorio)(?:es|s)?\b(?: (?:potentes? )?del? [\w/-]+)?",
    re.IGNORECASE,
)

NEGATIONS = frozenset(
    """
    no not never nor none neither cannot without avoid avoided avoiding except unless only don't
    doesn't isn't aren't can't mustn't shouldn't won't nunca jamas ningun ninguna ninguno ni sin
    tampoco evite evitar evitarse evitese excepto salvo solo solamente unicamente contraindicated
    contraindication contraindications contraindicado contraindicada contraindicados contraindicadas
    """.split()  # noqa: SIM905
)
WARNING = re.compile(
    r"\b(?:warn|risk|fatal|death|die|mortal|serious|severe|life.threat|danger|caution|emergenc"
    r"|overdos"
    r"|allerg|hypersens|toxic|bleed|stop|discontinu|immediate|urgent|harm|contraindic|interact"
    r"|monitor"
    r"|riesgo|muerte|grave|peligro|precauci|urgen|sobredos|alerg|hipersens|tóxic|sangr|hemorrag"
    r"|suspend"
    r"|interrump|inmediat|daño|vigil|advert|embaraz|pregnan)",
    re.IGNORECASE,
)

REFERENCE = re.compile(
    r"\s*\[\s*(?:see|refer to|ver|véase|consulte)\b[^\]]*\]"
    r"|\s*\(\s*(?:see (?:also )?(?:sections?|table|figure|boxed|warnings?|dosage|use in|clinical|"
    r"adverse|contraind|drug inter|precautions)|ver (?:también )?(?:las |la )?secci"
    r"|véan?se (?:también )"
    r"?(?:las |la )?secci)[^()]*(?:\([^()]*\)[^()]*)*\)"
    r"|\s*\(\s*(?:boxed warning\s*,?\s*)?\d{1,2}(?:\.\d{1,2})*(?:\s*(?:,|and|-|–"
    r"|;)\s*\d{1,2}(?:\.\d{1,2})*)*"
    r"\s*\)(?=\s*(?:[.;,)\]•]|$|[A-Z•(\[]))",
    re.IGNORECASE,
)
"""Pointers to other sections, which mean nothing to who reads this one."""
ELSEWHERE = re.compile(
    r"^\W*(?:see (?:the )?full prescribing information\b[^.]*complete boxed warning"
    r"|see full prescribing information for complete boxed warning)\W*$|^\W*$",
    re.IGNORECASE,
)
