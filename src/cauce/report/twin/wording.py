"""The words of a twin's page, in Spanish, English and Catalan."""

from __future__ import annotations

from cauce.records import Spoken

MONTHS: dict[Spoken, tuple[str, ...]] = {
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "ca": ("gen", "febr", "març", "abr", "maig", "juny", "jul", "ag", "set", "oct", "nov", "des"),
}
LANGUAGES: dict[Spoken, str] = {"es": "Español", "en": "English", "ca": "Català"}

SAYS: dict[Spoken, dict[str, str]] = {
    "es": {
        "brand": "cauce · gemelo digital",
        "title": "Registro de {name}",
        "nameless": "una persona",
        "years": "{age} años",
        "born": "nacimiento: {date}",
        "ends": "El registro va del {start} al {end}.",
        "old": "Nada de lo que hay aquí es posterior al {end}: lo ocurrido después no consta.",
        "notice": (
            "Es una copia ordenada de lo que dicen los documentos de la persona. No sustituye al "
            "médico ni al farmacéutico. En una urgencia, llame al 112."
        ),
        "allergies": "Alergias",
        "no_allergies": (
            "No hay ninguna alergia anotada en este registro. Eso no significa que no tenga: "
            "pregúntelo."
        ),
        "past_allergies": "Anotadas como superadas o descartadas: {names}.",
        "today": "De un vistazo",
        "kidney": "Función renal",
        "no_kidney": "No hay filtrado glomerular ni creatinina con los que saberla.",
        "medicines_now": "Medicamentos que toma",
        "no_medicines_now": "Ninguno consta como vigente.",
        "conditions_now": "Problemas de salud vigentes",
        "no_conditions_now": "Ninguno consta como vigente.",
        "adherence": "Días con medicación",
        "no_adherence": "No hay entregas con duración con las que calcularlos.",
        "adherence_of": "{covered} de {days} días ({share} %)",
        "adherence_note": (
            "Días cubiertos según lo anotado, de {first} a {last} (PDC). Entregado no es tomado; "
            "se considera constante desde el 80 %."
        ),
        "adherent": "constante",
        "not_adherent": "por debajo del 80 %",
        "period": "Qué fechas se dibujan",
        "recent": "Últimos 2 años",
        "all": "Todo el registro",
        "none_in_period": "Nada en estas fechas.",
        "skip": "Ir al contenido",
        "languages": "Idioma",
        "medicines": "Medicamentos",
        "medicines_caption": (
            "Cada barra es una pauta, de su inicio a su fin; la que acaba en flecha sigue vigente. "
            "Un punto es una receta de la que no consta el final."
        ),
        "readings": "Medidas",
        "readings_caption": (
            "La franja son las marcas habituales en adultos; cada laboratorio tiene las suyas. Los "
            "triángulos señalan los valores que quedan por encima ▲ o por debajo ▼."
        ),
        "more_readings": "Otras medidas ({count})",
        "more_lanes": "Más ({count})",
        "conditions": "Problemas de salud",
        "conditions_caption": "De cuándo a cuándo, según el registro.",
        "care": "Atención recibida",
        "care_caption": "Cada marca es una visita, una intervención o un plan de cuidados.",
        "encounter": "Visitas",
        "procedure": "Intervenciones y pruebas",
        "plan": "Planes de cuidados",
        "scales": "Escalas",
        "table": "Los números en una tabla",
        "totals": "Totales de las escalas",
        "scales_caption": "El total de cada escala publicada; se dice si faltan respuestas.",
        "incomplete": "Respuestas que faltan: {count}. El total está entre {low} y {high}.",
        "risk": "Riesgo que calcula un modelo",
        "guess": "Es una estimación de un modelo, no un hecho del registro.",
        "risk_of": "{outcome}: {percent} %",
        "risk_text": (
            "De cada 100 personas a las que el modelo daría este número, cabe esperar que a "
            "{rounded} les ocurra."
        ),
        "members": "Cada modelo por separado: {members}.",
        "liquid": "red líquida",
        "gru": "red GRU",
        "trees": "árboles",
        "logistic": "regresión logística",
        "last": "último valor",
        "calibration": "¿Se puede creer el número?",
        "calibration_text": (
            "De {n} personas que el modelo no había visto: en horizontal, el riesgo que daba; en "
            "vertical, a cuántas les ocurrió. Sobre la diagonal, acierta. Error de calibración "
            "(ECE): {ece}."
        ),
        "predicted": "riesgo que daba el modelo",
        "observed": "a cuántas les ocurrió",
        "bin": "Riesgo dado",
        "share": "Ocurrió",
        "people": "Personas",
        "model": "Modelo: {run}.",
        "tables": "Todo el registro en tablas",
        "tables_caption": "Lo mismo que dibujan los gráficos y lo demás, con el lugar de origen.",
        "table_reading": "Medidas",
        "table_condition": "Problemas de salud",
        "table_medicine": "Medicamentos",
        "table_allergy": "Alergias",
        "table_encounter": "Visitas",
        "table_procedure": "Intervenciones y pruebas",
        "table_plan": "Planes de cuidados",
        "table_answer": "Respuestas a cuestionarios",
        "date": "Fecha",
        "what": "Qué",
        "value": "Valor",
        "origin": "Origen",
        "over": "no vigente",
        "in_error": "anotado por error",
        "unreadable": (
            "Valores que no están en las tablas de las escalas y no se cuentan: {count}. "
            "Siguen entre las medidas y respuestas."
        ),
        "goes_on": "sigue",
        "since": "desde {date}",
        "times": "{count} veces, {first} – {last}",
        "between": "habitual: {low} a {high}",
        "from": "habitual: desde {low}",
        "up_to": "habitual: hasta {high}",
        "above": "por encima de lo habitual",
        "below": "por debajo de lo habitual",
        "line": "{count} valores, entre {low} y {high} {unit}",
        "single": "Un solo valor: {low} {unit}",
        "thinned": "De muchos valores se dibujan el menor y el mayor de cada tramo.",
        "latest": "Último valor, {date}",
        "marks_of": "Marcas habituales según: {sources}.",
        "sources": "De dónde sale",
        "file": "Archivo",
        "consent": "Consentimiento",
        "consent_text": (
            "Lo dio {by} ({quality}) el {given}, para: {purposes}. Vale hasta el {until}."
        ),
        "made": "Página hecha el {date} por cauce; no pide nada a internet.",
        "self": "la propia persona",
        "parent": "madre o padre",
        "guardian": "tutor",
        "curator": "curador",
        "attorney": "apoderado",
        "relative": "familiar o guardador de hecho",
        "conversation": "conversación",
        "training": "entrenamiento de modelos",
        "research": "investigación",
        "display": "mostrarlo",
        "back": "Volver a preguntar",
    },
    "en": {
        "brand": "cauce · digital twin",
        "title": "Record of {name}",
        "nameless": "a person",
        "years": "{age} years",
        "born": "born: {date}",
        "ends": "The record goes from {start} to {end}.",
        "old": "Nothing here is later than {end}: what happened since is not known.",
        "notice": (
            "An ordered copy of what the person's documents say. It takes the place of no doctor "
            "and no pharmacist. In an emergency call 112."
        ),
        "allergies": "Allergies",
        "no_allergies": (
            "No allergy is noted in this record. That does not mean that there is none: ask."
        ),
        "past_allergies": "Noted as over or refuted: {names}.",
        "today": "At a glance",
        "kidney": "Kidney function",
        "no_kidney": "There is no filtration rate and no creatinine to tell it by.",
        "medicines_now": "Current medicines",
        "no_medicines_now": "None is recorded as current.",
        "conditions_now": "Current conditions",
        "no_conditions_now": "None is recorded as current.",
        "adherence": "Days with medicine at hand",
        "no_adherence": "There are no supplies with a length to count them by.",
        "adherence_of": "{covered} of {days} days ({share} %)",
        "adherence_note": (
            "Days covered by what was noted, {first} to {last} (PDC). Supplied is not taken; "
            "80 % and more counts as adherent."
        ),
        "adherent": "adherent",
        "not_adherent": "below 80 %",
        "period": "Dates that are drawn",
        "recent": "Last 2 years",
        "all": "Whole record",
        "none_in_period": "Nothing in these dates.",
        "skip": "Skip to the content",
        "languages": "Language",
        "medicines": "Medicines",
        "medicines_caption": (
            "Each bar is one prescription from its start to its end; one with an arrow goes on. A "
            "dot is a prescription whose end is not told."
        ),
        "readings": "Readings",
        "readings_caption": (
            "The band is what is usual in adults; each laboratory has its own. Triangles are "
            "values above ▲ or below ▼ it."
        ),
        "more_readings": "Other readings ({count})",
        "more_lanes": "More ({count})",
        "conditions": "Conditions",
        "conditions_caption": "From when to when, as recorded.",
        "care": "Care received",
        "care_caption": "Each mark is an encounter, a procedure or a plan of care.",
        "encounter": "Encounters",
        "procedure": "Procedures and tests",
        "plan": "Care plans",
        "scales": "Scales",
        "table": "The numbers in a table",
        "totals": "Totals of the scales",
        "scales_caption": "The total of each published scale; missing answers are told.",
        "incomplete": "Missing answers: {count}. The total is between {low} and {high}.",
        "risk": "Risk, as a model computes it",
        "guess": "This is a model's guess, not a fact of the record.",
        "risk_of": "{outcome}: {percent} %",
        "risk_text": (
            "Of 100 people to whom the model gave this number, it would be expected to happen to "
            "{rounded}."
        ),
        "members": "Each model alone: {members}.",
        "liquid": "liquid network",
        "gru": "GRU network",
        "trees": "trees",
        "logistic": "logistic regression",
        "last": "last value",
        "calibration": "Can the number be believed?",
        "calibration_text": (
            "Of {n} people whom the model had not seen: across, the risk that it gave; up, to how "
            "many it happened. On the diagonal it is right. Calibration error (ECE): {ece}."
        ),
        "predicted": "risk that the model gave",
        "observed": "to how many it happened",
        "bin": "Risk given",
        "share": "Happened",
        "people": "People",
        "model": "Model: {run}.",
        "tables": "The whole record in tables",
        "tables_caption": "What the charts draw and the rest, with the place it comes from.",
        "table_reading": "Readings",
        "table_condition": "Conditions",
        "table_medicine": "Medicines",
        "table_allergy": "Allergies",
        "table_encounter": "Encounters",
        "table_procedure": "Procedures and tests",
        "table_plan": "Care plans",
        "table_answer": "Answers to questionnaires",
        "date": "Date",
        "what": "What",
        "value": "Value",
        "origin": "Origin",
        "over": "not current",
        "in_error": "written in error",
        "unreadable": (
            "Values that the tables of the scales do not have, and that are not counted: {count}. "
            "They stand among the readings and answers."
        ),
        "goes_on": "goes on",
        "since": "since {date}",
        "times": "{count} times, {first} – {last}",
        "between": "usual: {low} to {high}",
        "from": "usual: from {low}",
        "up_to": "usual: up to {high}",
        "above": "above what is usual",
        "below": "below what is usual",
        "line": "{count} values, between {low} and {high} {unit}",
        "single": "A single value: {low} {unit}",
        "thinned": "Of many values, the lowest and the highest of each stretch are drawn.",
        "latest": "Latest value, {date}",
        "marks_of": "Usual marks by: {sources}.",
        "sources": "Where it comes from",
        "file": "File",
        "consent": "Consent",
        "consent_text": "Given by {by} ({quality}) on {given}, for: {purposes}. Until {until}.",
        "made": "Page made on {date} by cauce; it asks nothing of the internet.",
        "self": "the person",
        "parent": "parent",
        "guardian": "guardian",
        "curator": "curator",
        "attorney": "attorney",
        "relative": "relative or carer in fact",
        "conversation": "conversation",
        "training": "training of models",
        "research": "research",
        "display": "display",
        "back": "Back to asking",
    },
    "ca": {
        "brand": "cauce · bessó digital",
        "title": "Registre: {name}",
        "nameless": "persona sense nom",
        "years": "{age} anys",
        "born": "naixement: {date}",
        "ends": "El registre va del {start} al {end}.",
        "old": "Aquí no hi ha res posterior al {end}: el que ha passat després no hi consta.",
        "notice": (
            "És una còpia endreçada del que diuen els documents de la persona. No substitueix el "
            "metge ni el farmacèutic. En una urgència, truqueu al 112."
        ),
        "allergies": "Al·lèrgies",
        "no_allergies": (
            "No hi ha cap al·lèrgia anotada en aquest registre. Això no vol dir que no en tingui: "
            "pregunteu-ho."
        ),
        "past_allergies": "Anotades com a superades o descartades: {names}.",
        "today": "D'un cop d'ull",
        "kidney": "Funció renal",
        "no_kidney": "No hi ha filtrat glomerular ni creatinina per saber-la.",
        "medicines_now": "Medicaments que pren",
        "no_medicines_now": "No n'hi consta cap de vigent.",
        "conditions_now": "Problemes de salut vigents",
        "no_conditions_now": "No n'hi consta cap de vigent.",
        "adherence": "Dies amb medicació",
        "no_adherence": "No hi ha dispensacions amb durada per calcular-los.",
        "adherence_of": "{covered} de {days} dies ({share} %)",
        "adherence_note": (
            "Dies coberts segons el que hi ha anotat, de {first} a {last} (PDC). Dispensat no és "
            "pres; es considera constant des del 80 %."
        ),
        "adherent": "constant",
        "not_adherent": "per sota del 80 %",
        "period": "Quines dates es dibuixen",
        "recent": "Últims 2 anys",
        "all": "Tot el registre",
        "none_in_period": "Res en aquestes dates.",
        "skip": "Anar al contingut",
        "languages": "Llengua",
        "medicines": "Medicaments",
        "medicines_caption": (
            "Cada barra és una pauta, del seu inici al seu final; la que acaba en fletxa continua "
            "vigent. Un punt és una recepta de la qual no consta el final."
        ),
        "readings": "Mesures",
        "readings_caption": (
            "La franja són les marques habituals en adults; cada laboratori té les seves. Els "
            "triangles assenyalen els valors que queden per sobre ▲ o per sota ▼."
        ),
        "more_readings": "Altres mesures ({count})",
        "more_lanes": "Més ({count})",
        "conditions": "Problemes de salut",
        "conditions_caption": "De quan a quan, segons el registre.",
        "care": "Atenció rebuda",
        "care_caption": "Cada marca és una visita, una intervenció o un pla de cures.",
        "encounter": "Visites",
        "procedure": "Intervencions i proves",
        "plan": "Plans de cures",
        "scales": "Escales",
        "table": "Els nombres en una taula",
        "totals": "Totals de les escales",
        "scales_caption": "El total de cada escala publicada; es diu si falten respostes.",
        "incomplete": "Respostes que falten: {count}. El total és entre {low} i {high}.",
        "risk": "Risc que calcula un model",
        "guess": "És una estimació d'un model, no un fet del registre.",
        "risk_of": "{outcome}: {percent} %",
        "risk_text": (
            "De cada 100 persones a qui el model donaria aquest nombre, és d'esperar que a "
            "{rounded} els passi."
        ),
        "members": "Cada model per separat: {members}.",
        "liquid": "xarxa líquida",
        "gru": "xarxa GRU",
        "trees": "arbres",
        "logistic": "regressió logística",
        "last": "últim valor",
        "calibration": "Es pot creure el nombre?",
        "calibration_text": (
            "De {n} persones que el model no havia vist: en horitzontal, el risc que donava; en "
            "vertical, a quantes els va passar. Sobre la diagonal, encerta. Error de calibratge "
            "(ECE): {ece}."
        ),
        "predicted": "risc que donava el model",
        "observed": "a quantes els va passar",
        "bin": "Risc donat",
        "share": "Va passar",
        "people": "Persones",
        "model": "Model: {run}.",
        "tables": "Tot el registre en taules",
        "tables_caption": "El mateix que dibuixen els gràfics i la resta, amb el lloc d'origen.",
        "table_reading": "Mesures",
        "table_condition": "Problemes de salut",
        "table_medicine": "Medicaments",
        "table_allergy": "Al·lèrgies",
        "table_encounter": "Visites",
        "table_procedure": "Intervencions i proves",
        "table_plan": "Plans de cures",
        "table_answer": "Respostes a qüestionaris",
        "date": "Data",
        "what": "Què",
        "value": "Valor",
        "origin": "Origen",
        "over": "no vigent",
        "in_error": "anotat per error",
        "unreadable": (
            "Valors que no són a les taules de les escales i no es compten: {count}. "
            "Continuen entre les mesures i respostes."
        ),
        "goes_on": "continua",
        "since": "des de {date}",
        "times": "{count} vegades, {first} – {last}",
        "between": "habitual: {low} a {high}",
        "from": "habitual: des de {low}",
        "up_to": "habitual: fins a {high}",
        "above": "per sobre de l'habitual",
        "below": "per sota de l'habitual",
        "line": "{count} valors, entre {low} i {high} {unit}",
        "single": "Un sol valor: {low} {unit}",
        "thinned": "De molts valors es dibuixen el més baix i el més alt de cada tram.",
        "latest": "Últim valor, {date}",
        "marks_of": "Marques habituals segons: {sources}.",
        "sources": "D'on surt",
        "file": "Arxiu",
        "consent": "Consentiment",
        "consent_text": (
            "El va donar {by} ({quality}) el {given}, per a: {purposes}. Val fins al {until}."
        ),
        "made": "Pàgina feta el {date} per cauce; no demana res a internet.",
        "self": "la mateixa persona",
        "parent": "mare o pare",
        "guardian": "tutor",
        "curator": "curador",
        "attorney": "apoderat",
        "relative": "familiar o guardador de fet",
        "conversation": "conversa",
        "training": "entrenament de models",
        "research": "recerca",
        "display": "mostrar-lo",
        "back": "Tornar a preguntar",
    },
}
