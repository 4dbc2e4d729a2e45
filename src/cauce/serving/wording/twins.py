"""The words of the list of twins."""

from __future__ import annotations

from cauce.serving.wording import Wording

TWIN_PAGES: Wording = {
    "es": {
        "title": "Gemelos",
        "intro": "El historial de salud de una persona, reunido en una página. Cada lectura queda "
        "anotada en su registro.",
        "none": "No hay ninguno que pueda abrir.",
        "own": "El suyo",
        "other": "De quien se lo muestra",
        "refused": "No hay permiso vigente para mostrarlo.",
        "sharing": "A quién se muestra el suyo",
        "sharing_why": "Esa persona podrá abrir la página de su gemelo hasta que usted lo retire.",
        "nobody": "A nadie.",
        "name": "Usuario",
        "show": "Mostrárselo",
        "hide": "Dejar de mostrárselo a {name}",
        "since": "desde",
        "shown": "Desde ahora se muestra.",
        "hidden": "Ya no se muestra.",
    },
    "en": {
        "title": "Twins",
        "intro": "A person's health record, gathered on one page. Each reading is noted in its "
        "log.",
        "none": "There is none that you may open.",
        "own": "Yours",
        "other": "Shown to you",
        "refused": "There is no permission to show it today.",
        "sharing": "To whom yours is shown",
        "sharing_why": "That person can open your twin's page until you take it back.",
        "nobody": "To nobody.",
        "name": "User name",
        "show": "Show it",
        "hide": "Stop showing it to {name}",
        "since": "since",
        "shown": "It is shown from now on.",
        "hidden": "It is shown no more.",
    },
    "ca": {
        "title": "Bessons",
        "intro": "L'historial de salut d'una persona, reunit en una pàgina. Cada lectura queda "
        "anotada al seu registre.",
        "none": "No n'hi ha cap que pugueu obrir.",
        "own": "El vostre",
        "other": "De qui us el mostra",
        "refused": "No hi ha permís vigent per mostrar-lo.",
        "sharing": "A qui es mostra el vostre",
        "sharing_why": "Aquesta persona podrà obrir la pàgina del vostre bessó fins que ho "
        "retireu.",
        "nobody": "A ningú.",
        "name": "Usuari",
        "show": "Mostra'l",
        "hide": "Deixa de mostrar-lo a {name}",
        "since": "des del",
        "shown": "Des d'ara es mostra.",
        "hidden": "Ja no es mostra.",
    },
}
