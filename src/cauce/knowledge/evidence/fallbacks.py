"""Where else a text may answer when it has no section of the kind that is asked for.

A label of the United States has no section on driving: its warnings speak of machinery. A patient
leaflet has none on children: its dose does.
"""

from __future__ import annotations

import re

_KINDS = {
    "use": "patients mechanism",
    "dose": "children elderly warnings contraindications populations patients mechanism"
    " composition",
    "side_effects": "warnings patients",
    "contraindications": "warnings dose children elderly populations side_effects patients",
    "interactions": "warnings dose contraindications populations patients mechanism side_effects",
    "pregnancy": "warnings contraindications populations patients",
    "driving": "warnings patients side_effects interactions",
    "overdose": "warnings dose patients",
    "storage": "patients dose warnings composition other",
    "composition": "storage warnings other",
    "warnings": "contraindications dose side_effects dependence children elderly populations"
    " interactions driving patients",
    "children": "dose contraindications warnings populations patients use side_effects composition",
    "elderly": "dose warnings contraindications populations patients side_effects",
    "mechanism": "use composition dose",
    "dependence": "warnings patients side_effects dose contraindications use",
}

FALLBACKS: dict[str, tuple[str, ...]] = {
    kind: tuple(others.split()) for kind, others in _KINDS.items()
}
"""By kind, the other kinds whose sections may answer in its stead, the likeliest first."""

STAND_INS: dict[str, tuple[str, ...]] = {"warnings": ("contraindications", "side_effects")}
"""Kinds that answer as a whole for one that a text has nothing on."""

_SUBJECTS = {
    "use": r"indicated|used (to|for)|indicad|se (usa|utiliza)|treat|trata|reliev|alivi",
    "dose": r"dos(e|age|ing|is)\b|take\b|adjust|reduc|\d+ ?m?c?g\b|tome|tomar|ajust|posolog",
    "side_effects": r"side effect|adverse|reaction|efectos? (adverso|secundario)|reaccion",
    "contraindications": r"contraindica|do not (use|take)|should not|must not|avoid|no (se )?debe"
    r"|no (tome|use)|evit",
    "interactions": r"interact|concomitant|co.?administ|together with|interac|concomit|junto con"
    r"|otros medicamentos",
    "pregnancy": r"pregnan|breast.?feed|nursing|lactat|embaraz|lactancia",
    "driving": r"driv(e|ing)\b|machine|vehicle|conduc(ir|cion)|maquina",
    "overdose": r"overdos|poison control|too (much|many)|sobredosi|mas .{0,30}d?el? que debe",
    "storage": r"stor(e|ed|age)\b|keep\b|refrigerat|conserv(ar|e|ese|acion)|temperatur|nevera",
    "composition": r"contain|ingredient|contiene|excipient",
    "warnings": r"warning|caution|monitor|risk|advert|precauc|riesgo|vigil",
    "children": r"child(?!bear|birth)|p[ae]+diatr|adolescen|under \d+ years|nin[oa]s?\b|menores de",
    "elderly": r"elder|geriatr|older|ancian|edad avanzada|personas mayores",
    "mechanism": r"mechanism|inhibit|block|block|works by|receptor|actua|mecanismo|inhib|bloque",
    "dependence": r"addict|dependence|abuse|dependencia|adiccion|abuso",
}

SUBJECTS: dict[str, re.Pattern[str]] = {
    kind: re.compile(rf"\b(?:{pattern})") for kind, pattern in _SUBJECTS.items()
}
"""By kind, how a flat text that is of another kind speaks of it."""
