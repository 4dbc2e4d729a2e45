"""What the assistant says of a record beside a label, in Spanish, English and Catalan."""

from __future__ import annotations

from cauce.records import Spoken

SAID: dict[Spoken, dict[str, str]] = {
    "es": {
        "record": "Su registro dice: {text}",
        "label": "La ficha «{title}», en «{section}», dice: «{quote}»",
        "clearance": "La ficha cuenta con el aclaramiento de creatinina y el registro con el "
        "filtrado estimado: no son lo mismo.",
        "unread": "No puedo comparar su registro con lo que dice ese texto.",
        "grade": "La ficha da un grado y no una cifra; lo muestro porque el filtrado de su "
        "registro puede corresponderle.",
        "no_figure": "La ficha no da una cifra con la que comparar.",
        "degree": "La ficha habla de un grado o un momento que su registro no dice.",
        "weeks": "La ficha cuenta semanas o meses de embarazo que su registro no dice.",
        "same": "Es el medicamento por el que pregunta.",
        "same_class": "El medicamento por el que pregunta es de ese grupo ({named}).",
        "class": "Lo nombra por su grupo: «{named}».",
        "taken": "Es el medicamento por el que pregunta: consta que ya lo toma.",
        "table": "Es la fila de una tabla: lea la tabla entera.",
        "talk": "Yo no juzgo si le conviene: hable con su médico o farmacéutico antes de tomar, "
        "dejar o cambiar nada.",
        "nothing": "En lo que he mirado de la ficha no encuentro nada que nombre lo que consta en "
        "su registro. Eso no significa que pueda tomarlo: hable con su médico o farmacéutico.",
        "more": "La ficha dice más sobre lo que consta en su registro; lea sus apartados enteros.",
        "section": "Registro",
    },
    "en": {
        "record": "Your record says: {text}",
        "label": "The label “{title}”, under “{section}”, says: “{quote}”",
        "clearance": "The label counts creatinine clearance and the record the estimated "
        "filtration rate: they are not the same.",
        "unread": "I cannot compare your record with what that text says.",
        "grade": "The label gives a degree and no figure; I show it because the filtration in your "
        "record may be of that degree.",
        "no_figure": "The label gives no figure to compare with.",
        "degree": "The label speaks of a degree or a moment that your record does not tell.",
        "weeks": "The label counts weeks or months of pregnancy that your record does not tell.",
        "same": "It is the medicine that you ask about.",
        "same_class": "The medicine that you ask about is of that group ({named}).",
        "class": "It names it by its group: “{named}”.",
        "taken": "It is the medicine that you ask about: the record has it as taken already.",
        "table": "It is a row of a table: read the whole table.",
        "talk": "I do not judge whether it is right for you: talk to your doctor or pharmacist "
        "before you take, stop or change anything.",
        "nothing": "In what I looked at of the label I find nothing that names what your record "
        "holds. That does not mean that you may take it: talk to your doctor or pharmacist.",
        "more": "The label says more about what your record holds; read its sections whole.",
        "section": "Record",
    },
    "ca": {
        "record": "El vostre registre diu: {text}",
        "label": "La fitxa «{title}», a «{section}», diu: «{quote}»",
        "clearance": "La fitxa compta amb l'aclariment de creatinina i el registre amb el filtrat "
        "estimat: no són el mateix.",
        "unread": "No puc comparar el vostre registre amb el que diu aquest text.",
        "grade": "La fitxa dona un grau i no una xifra; ho mostro perquè el filtrat del vostre "
        "registre pot correspondre-hi.",
        "no_figure": "La fitxa no dona cap xifra amb què comparar.",
        "degree": "La fitxa parla d'un grau o un moment que el vostre registre no diu.",
        "weeks": "La fitxa compta setmanes o mesos d'embaràs que el vostre registre no diu.",
        "same": "És el medicament pel qual pregunteu.",
        "same_class": "El medicament pel qual pregunteu és d'aquest grup ({named}).",
        "class": "L'anomena pel seu grup: «{named}».",
        "taken": "És el medicament pel qual pregunteu: consta que ja el preneu.",
        "table": "És la fila d'una taula: llegiu la taula sencera.",
        "talk": "Jo no jutjo si us convé: parleu amb el metge o el farmacèutic abans de prendre, "
        "deixar o canviar res.",
        "nothing": "En el que he mirat de la fitxa no trobo res que anomeni el que consta al "
        "vostre registre. Això no vol dir que el pugueu prendre: parleu amb el metge o el "
        "farmacèutic.",
        "more": "La fitxa diu més coses sobre el que consta al registre; llegiu-ne els apartats "
        "sencers.",
        "section": "Registre",
    },
}
