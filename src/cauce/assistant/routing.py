"""Which kind of section a question asks for, in the words of patients and professionals."""

from __future__ import annotations

import re

from cauce.knowledge.words import fold

CUES: dict[str, str] = {
    "overdose": r"overdos\w*|too (much|many)|swallowed (?!whole|with)|poison\w*|antidote"
    r"|accident\w*|by mistake|took (two|three|double|twice)|(ate|drank|swallowed) a |sobredosi\w*"
    r"|demasiad\w+|intoxica\w*|antidoto|trag(o|ado|ue)\b|de mas\b|se pas\w+ con|el doble|por error"
    r"|se ha (bebido|comido|tomado)",
    "pregnancy": r"pregnan\w*|(?=breast.?fe|nursing|lactat|lactancia|amamant|dar el pecho|conceive)"
    r"|unborn|fetus|embaraz\w*|gestan\w*|gestaci\w*|feto",
    "driving": r"driv\w+|the car\b|machine\w*|conduc\w*|coche|moto\b|volante|maquina\w*|manejar",
    "storage": r"stor(e|ed|age|ing)\b|keep\b(?! (taking|using))|kept|temperature|fridge|expir\w*"
    r"|(once|after|when|an) open\w*|conserv\w*|almacena\w*|guard(o|a|ar|e|en)\b|temperatura"
    r"|nevera|caduc\w*|una vez abiert\w*",
    "contraindications": r"should not take|contraindica\w*|must not|not be (used|taken)|forbidden"
    r"|who (can't|cannot|can not)|allergic|can (people|patients|someone) with|prohibid\w*"
    r"|no deb\w+ (tomar|usar)|no se debe (usar|tomar)|no pueden? (tomar|usar)|alergic\w*"
    r"|pued\w+ tomar(?=.*\b(con|si tengo) (un |una )?(insuf|enferm|problem|ulcer|asma|diabet))",
    "interactions": r"interact\w*|interacc\w*|mix\w*|mezcl\w*|together with|junto con|combin\w*"
    r"|(?<!contain )(?<!contiene )(?<!lleva )(?=alcohol)|beber|drink\w*|other medicines|react with"
    r"|otros medicamentos|a la vez|at the same time|(?=grapefruit|pomelo|wine|beer|vino|cerveza)"
    r"|take(?=.* with (?!food|meal|a meal|water|milk|an empty))"
    r"|pued\w+ tomar(?=.* con (?!(la |el |las )?(comida|agua|leche|estomago|desayuno|cena)))",
    "composition": r"contain\w*|ingredient\w*|composition|excipient\w*|made of|strengths?"
    r"|what is in\b|contiene\w*|composici\w*|excipiente\w*|esta hech[oa]|concentraci\w*"
    r"|presenta\w*|lleva\b|(?=lactos|gluten|sugar|azucar|celia|coeliac)",
    "side_effects": r"side.?effects?|adverse|unwanted|undesirable|makes? (me|you)|causes?\b|feel\w*"
    r"|reaccion\w* advers\w*|efectos? (secundari|advers|no desead)\w*|ram\b|sientan? mal"
    r"|molestia\w*|hace dano|engord\w*|es normal|provoca\w*",
    "dose": r"dos(e|es|ing|age|is)\b|posolog\w*|how (much|many|often|long)"
    r"|how (should|do|to)\b(?=.*\b(take|taken|use|used|give|given)\b)"
    r"|(?=(in|for|to) (a |my |the )?(child|kid|bab(y|ies)|toddler|infant|elderly|old))"
    r"|(?=(en|para|a) (los |las |un |una |mi )?(nin[oa]s?|bebes?|lactantes?|ancian[oa]s?)\b)"
    r"|(before|after|with|without) (a )?(food|meals?)|crush\w*|split|missed|forgot\w*"
    r"|cuant[oa]s?\b(?! (cuesta|vale))|como (se )?(tom|us|administr|pon)\w*|cada cuanto"
    r"|(antes|despues) de (comer|cenar|desayunar)|con (la )?comida|partir|triturar|trag(ar|a|an)\b"
    r"|tableta\w* al dia|olvid\w*",
    "use": r"used for|what (is|are)\b(?=.*\bfor\b)|what is (?!the\b)|treats?\b|indicat\w*|why do"
    r"|is for\b|works?\b|prescribed for|purpose|indicac\w*|para que|sirve|trata\b|que es\b"
    r"|vale para",
    "warnings": r"warning\w*|precaution\w*|careful|advertenc\w*|precauci\w*|cuidado",
}
"""Cues by kind, as patterns over folded text, the most telling kind first.

A word inside a lookahead tells the kind and, no part of the match, still chooses the sentence.
"""

_PATTERNS = {kind: re.compile(rf"\b(?:{cues})") for kind, cues in CUES.items()}


def kinds_of(question: str) -> list[str]:
    """Kinds of section that the question asks for, the most likely first; empty when no cue stands.

    >>> kinds_of("¿Puedo conducir si tomo ibuprofeno?"), kinds_of("Is it safe while pregnant?")
    (['driving'], ['pregnancy'])
    """
    folded = fold(question)
    return [kind for kind, pattern in _PATTERNS.items() if pattern.search(folded)]


def cue_words(question: str) -> str:
    """The words of the question that told its kind: they choose the section, not the sentence."""
    folded = fold(question)
    return " ".join(
        match.group() for pattern in _PATTERNS.values() for match in pattern.finditer(folded)
    )
