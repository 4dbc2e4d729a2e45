"""The words of the log-in page, in each of its languages."""

from __future__ import annotations

from cauce.records import Spoken

LOGIN: dict[Spoken, dict[str, str]] = {
    "es": {
        "title": "Entrar",
        "skip": "Ir al formulario",
        "name": "Usuario",
        "password": "Contraseña",
        "enter": "Entrar",
        "wrong": "El usuario o la contraseña no son correctos.",
        "wait": "Demasiados intentos. Espere {seconds} segundos y pruebe otra vez.",
        "help": "Si no recuerda la contraseña, pida otra a quien administra este servidor.",
    },
    "en": {
        "title": "Log in",
        "skip": "Skip to the form",
        "name": "User name",
        "password": "Password",
        "enter": "Log in",
        "wrong": "The user name or the password is not right.",
        "wait": "Too many attempts. Wait {seconds} seconds and try again.",
        "help": "If you have forgotten the password, ask whoever runs this server for another.",
    },
    "ca": {
        "title": "Entra",
        "skip": "Ves al formulari",
        "name": "Usuari",
        "password": "Contrasenya",
        "enter": "Entra",
        "wrong": "L'usuari o la contrasenya no són correctes.",
        "wait": "Massa intents. Espereu {seconds} segons i torneu-ho a provar.",
        "help": "Si no recordeu la contrasenya, demaneu-ne una altra a qui administra el servidor.",
    },
}
