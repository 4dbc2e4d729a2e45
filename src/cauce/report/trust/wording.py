"""What the page and the card of a report of trust say, in both languages."""

from __future__ import annotations

from cauce.records import Language
from cauce.report.trust.evidence import CHANGED, OFF

WORDING: dict[Language, dict[str, str]] = {
    "en": {
        "brand": "cauce · evidence of trust",
        "is_not": (
            "This is not a declaration of conformity, nor legal or medical advice. It gathers what "
            "was measured of one run. Whether the system may be used, and for what, is for whoever "
            "answers for it to decide and to document."
        ),
        "counts": "{measured} rows measured, {estimated} estimated, {declared} declared, "
        "{missing} measures missing.",
        "missing_first": (
            "A missing measure is no good news and no bad news: nobody looked. No colour on this "
            "page says that something is well."
        ),
        "sections": "Sections",
        "measure": "Measure",
        "value": "Value",
        "kind": "Kind",
        "origin": "Where it comes from",
        "measured": "measured",
        "estimated": "estimated",
        "declared": "declared",
        "missing": "missing",
        "not_measured": "not measured",
        "to_measure": "To measure it:",
        "to_declare": "For people to write, in",
        "met": "bar of {bar} met by the whole interval",
        "not met": "bar of {bar} not met",
        "unclear": "bar of {bar}: the data cannot tell",
        "no_interval": "no interval",
        "to": "to",
        "data": "data",
        "seed": "seed",
        "file": "file",
        "run": "run",
        "of_package": "figure of the package, not of this run",
        CHANGED: CHANGED,
        OFF: OFF,
        "none": "none",
        "annex": "Technical documentation: Annex IV",
        "annex_intro": (
            "The same rows, in the order of Annex IV to the Regulation. A section without rows is "
            "empty, not fulfilled."
        ),
        "law": "Dates of the law",
        "law_intro": (
            "Read on {read}. Where the source is a digest, compare it with the Official Journal "
            "before you quote it."
        ),
        "applies": "Applies from",
        "article": "Article",
        "what": "What",
        "source": "Source",
        "official": "official text",
        "digest": "digest",
        "files": "Files that were read",
        "integrity": "How to check this report",
        "integrity_text": ("Every row holds the SHA-256 of the row before it. The last one is:"),
        "integrity_command": "This command finds every change of rows, page, card and files read:",
        "integrity_limit": (
            "Who writes everything anew, this page too, is found by a signed head alone, or by the "
            "value above noted down elsewhere."
        ),
        "written": "Written {time} by cauce {version}.",
        "evaluation": "Evidence",
        "limits": "What is missing",
    },
    "es": {
        "brand": "cauce · evidencias de confianza",
        "is_not": (
            "Esto no es una declaración de conformidad, ni asesoramiento jurídico o médico. Reúne "
            "lo que se midió en una ejecución. Si el sistema puede usarse, y para qué, lo decide y "
            "lo documenta quien responde de él."
        ),
        "counts": "{measured} filas medidas, {estimated} estimadas, {declared} declaradas, "
        "{missing} medidas que faltan.",
        "missing_first": (
            "Una medida que falta no es buena ni mala noticia: nadie ha mirado. Ningún color de "
            "esta página dice que algo esté bien."
        ),
        "sections": "Apartados",
        "measure": "Medida",
        "value": "Valor",
        "kind": "Clase",
        "origin": "De dónde sale",
        "measured": "medida",
        "estimated": "estimada",
        "declared": "declarada",
        "missing": "falta",
        "not_measured": "sin medir",
        "to_measure": "Para medirla:",
        "to_declare": "Lo escriben personas, en",
        "met": "todo el intervalo cumple el límite de {bar}",
        "not met": "no cumple el límite de {bar}",
        "unclear": "límite de {bar}: los datos no bastan para decirlo",
        "no_interval": "sin intervalo",
        "to": "a",
        "data": "datos",
        "seed": "semilla",
        "file": "fichero",
        "run": "ejecución",
        "of_package": "cifra del paquete, no de esta ejecución",
        CHANGED: "medida antes de que cambiara la ejecución, o con otra versión de cauce",
        OFF: "esta protección está desactivada en la receta de la ejecución",
        "none": "ninguna",
        "annex": "Documentación técnica: anexo IV",
        "annex_intro": (
            "Las mismas filas, en el orden del anexo IV del Reglamento. Un apartado sin filas está "
            "vacío, no cumplido."
        ),
        "law": "Fechas de la ley",
        "law_intro": (
            "Leídas el {read}. Si la fuente es un resumen, compárela con el Diario Oficial "
            "antes de citarla."
        ),
        "applies": "Se aplica desde",
        "article": "Artículo",
        "what": "Qué",
        "source": "Fuente",
        "official": "texto oficial",
        "digest": "resumen",
        "files": "Ficheros leídos",
        "integrity": "Cómo comprobar este informe",
        "integrity_text": "Cada fila lleva el SHA-256 de la anterior. El de la última es:",
        "integrity_command": (
            "Esta orden encuentra todo cambio en las filas, la página, la ficha y los ficheros:"
        ),
        "integrity_limit": (
            "A quien lo escriba todo de nuevo, también esta página, solo lo delata una cabecera "
            "firmada, o el valor de arriba apuntado en otro lugar."
        ),
        "written": "Escrito el {time} por cauce {version}.",
        "evaluation": "Evidencias",
        "limits": "Lo que falta",
    },
}
