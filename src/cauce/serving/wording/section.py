"""The words of the page of one section, which a citation opens."""

from __future__ import annotations

from cauce.serving.wording import Wording

SECTION: Wording = {
    "es": {
        "skip_to_quote": "Ir a la frase citada",
        "source": "Fuente",
        "id": "Identificador",
        "version": "Versión",
        "section": "Sección",
        "open": "Abrir el documento de origen",
    },
    "en": {
        "skip_to_quote": "Skip to the quoted sentence",
        "source": "Source",
        "id": "Identifier",
        "version": "Version",
        "section": "Section",
        "open": "Open the original document",
    },
    "ca": {
        "skip_to_quote": "Ves a la frase citada",
        "source": "Font",
        "id": "Identificador",
        "version": "Versió",
        "section": "Secció",
        "open": "Obre el document d'origen",
    },
}
