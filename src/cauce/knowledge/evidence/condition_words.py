"""Words by which questions ask about a condition, and by which medicines' texts speak of it.

Patterns over text in lower case without accents, each alternative read from the start of a word.
"""

from __future__ import annotations

from typing import NamedTuple


class ConditionWords(NamedTuple):
    """One condition: its names, both vocabularies, the sections that tell of it.

    `state`, where texts speak of much else in the same words, is how they say that it is there.
    """

    key: str
    english: str
    spanish: str
    asked: str
    told: str
    kinds: str
    state: str = ""


_STATES = "dose warnings contraindications populations patients side_effects mechanism interactions"
_WITH_IT = "interactions warnings dose patients contraindications side_effects mechanism"

CONDITIONS = (
    ConditionWords(
        "renal", "kidney disease", "la insuficiencia renal",
        r"kidney\w*|renal\w*|nephro\w*|dialysis|h[ae]modialysis|crcl|egfr|clcr|clearance|gfr"
        r"|rinon\w*|nefro\w*|dialisis|filtrado|aclaramiento|creatinin\w*|ronyo\w*",
        r"kidney|renal|creatinine clearance|crcl|clcr|egfr|ha?emodialysis|dialysis|rinon"
        r"|aclaramiento de creatinina|filtrado glomerular|hemodialisis|dialisis|nefr",
        _STATES,
        r"(?<!acute )(renal|kidney)(ly)? (or hepatic |and hepatic )?(impair|insuff|dysf|failure"
        r"|disease|problem)|(impaired|reduced|decreased|poor) (renal|kidney)|crcl|clcr|egfr"
        r"|creatinine cle|ha?emodialysis|esrd|problemas (en|con|de) (el |los )?rinon"
        r"|(insuficiencia|enfermedad|alteracion|problemas) (renal|de rinon)",
    ),
    ConditionWords(
        "hepatic", "liver disease", "la insuficiencia hepática",
        r"liver|hepat\w*|cirrho\w*|child.pugh|higado|cirr[oh]\w*|fetge",
        r"liver|hepat|cirrho|child.pugh|higado|cirros",
        _STATES,
        r"(hepatic|liver)(ly)? (or renal |and renal )?(impair|insuff|dysf|disease|cirrho|problem)"
        r"|(impaired|reduced) (hepatic|liver)|child.pugh|cirrho|cirros|insuficiencia hepatica"
        r"|(enfermedad|alteracion|problemas|deterioro) (hepatic|de higado|en el higado)",
    ),
    ConditionWords(
        "children", "children", "los niños",
        r"child(?!.pugh)\w*|kids?\b|bab(y|ies)\b|toddler\w*|infants?\b|newborn\w*|p[ae]+diatr\w*"
        r"|teen\w*|adolescen\w*|my (son|daughter)|nin[oa]s?\b|bebes?\b|lactantes?\b|mi hij[oa]"
        r"|recien nacid\w*|nen[ae]?s?\b|from what age|a partir de que edad",
        r"child(?!.pugh|bear|birth)|p[ae]+diatr|infant|neonat|adolescen|under \d+ years|nin[oa]s?\b"
        r"|(less|younger) than \d+ (years|months)|lactantes?\b"
        r"|bebes\b|(un|el|al|del|su) bebe\b|recien nacid"
        r"|menores de (\d+|dieciocho|doce|dos)|kids\b|toddler",
        "children dose contraindications warnings populations patients use mechanism",
    ),
    ConditionWords(
        "elderly", "older people", "las personas mayores",
        r"elder\w*|seniors?\b|older (people|adults?|patients?|person)|old (people|age)|geriatr\w*"
        r"|ancian\w*|(personas?|gente|pacientes?) mayor\w*|edad avanzada|abuel[oa]s?\b"
        r"|grand(ma|pa|mother|father)\b|tercera edad|[6-9]\d ?(-?years?|anos)|gent gran",
        r"elder|geriatr|older (people|adult|patient|person)|aged? 65|[67]5 years|7[05] anos|ancian"
        r"|edad avanzada"
        r"|(personas|pacientes) (mayores|de mas edad)|mayores de 65|65 anos",
        "elderly dose warnings populations contraindications patients side_effects mechanism",
    ),
    ConditionWords(
        "pregnancy", "pregnancy", "el embarazo",
        r"pregnan\w*|embara[zs]\w*|gestan\w*|gestaci\w*|trimest\w*|f(o?e)?et(us|al|o)\b|unborn"
        r"|expecting|harm the baby",
        r"pregnan|embaraz|gestan|gestacion|f(o?e)?et(us|al|o)|trimest|teratog|childbearing",
        "pregnancy warnings contraindications populations patients",
    ),
    ConditionWords(
        "breast_feeding", "breast-feeding", "la lactancia",
        r"breast.?(fe+d|milk)\w*|nursing|nurse (my|a|the) baby|lactat\w*|lactancia|amamant\w*"
        r"|(dar|doy|dando) (le )?(el )?pecho|leche materna|alletament",
        r"breast.?(fe+d|milk)|human milk|nursing (mother|wom|infant|patient)|lactating (mother|wom)"
        r"|^lactation|lactancia|amamant|leche (materna|humana)|dar el pecho",
        "pregnancy warnings populations contraindications patients",
    ),
    ConditionWords(
        "fertility", "fertility", "la fertilidad",
        r"fertil\w*|concei\w*|trying for a baby|have a baby|tener (un |otro )?(hijo|bebe)",
        r"fertil|contracept|anticoncep|reproductive potential|concei|concepcion",
        "pregnancy warnings mechanism populations patients",
    ),
    ConditionWords(
        "driving", "driving", "la conducción",
        r"(?<!sex )driv\w+|condui\w*|wheel\b|machine\w*|motor(bike|cycle)|conduc(?!ta)\w*|coche"
        r"|moto\b|volante|maquin\w*|bicicleta|patinete|camioner\w*|vehic\w*",
        r"driv(ing|ers?)\b|(to|not|or|can|you|and|before|should|while) drive\b"
        r"|operat\w+ (\w+ ){0,4}machine|machinery|vehicle|hazardous (task|activit)"
        r"|conduc(ir|cion|tor)|maquinaria|maquinas|vehiculo",
        "driving warnings patients side_effects interactions",
    ),
    ConditionWords(
        "alcohol", "alcohol", "el alcohol",
        r"alcohol\w*|wine|beers?\b|booze|can i drink|drink(ing)? (with|on|while)|vino|cervezas?\b"
        r"|(tomar|beber)(me)? (una? )?copas?|beber\b(?! (agua|leche|zumo))|si bebo",
        r"(?<!benzyl )(?<!cetyl )(?<!stearyl )(?<!polyvinyl )(?<!isopropyl )(?<!rubbing )"
        r"alcohol(?!.free|es\b| (benc|cet|estear|polivin|isoprop|swab|pad|wipe|prep|dehydrog))"
        r"|ethanol|bebidas alc|vino\b|cerveza|etanol",
        _WITH_IT,
    ),
    ConditionWords(
        "grapefruit", "grapefruit", "el pomelo", r"grapefruit|pomelo|toronja", r"grapefruit|pomelo",
        _WITH_IT,
    ),
    ConditionWords(
        "food", "food", "los alimentos",
        r"foods?\b|meals?\b|empty stomach|diet(ary)?\b|eat(ing)?\b|breakfast|dinner|comidas?\b"
        r"|comer|cenar|desayun\w*|ayunas|aliment\w*|estomago vacio|dieta",
        r"food|meal|empty stomach|fast(ing|ed)|diet(ary)?\b|comida|alimento|ayun|estomago vacio",
        "dose interactions patients mechanism warnings",
    ),
    ConditionWords(
        "diabetes", "diabetes", "la diabetes", r"diabet\w*|blood sugar|azucar en (la )?sangre",
        r"diabet|blood sugar|glucose|glyc?emi|glucos|glucemi|azucar en (la )?sangre",
        _STATES,
    ),
    ConditionWords(
        "asthma", "asthma", "el asma", r"asthma\w*|asma\b|asmatic\w*|copd|epoc\b",
        r"asthma|bronchospas|asma\b|asmatic|broncoespas|copd|obstructive pulmonary|epoc\b",
        "contraindications warnings dose side_effects populations patients",
    ),
    ConditionWords(
        "heart", "heart disease", "las enfermedades del corazón",
        r"heart\b(?!burn)|cardiac|cardia[ck]\w*|corazon|infart\w*|arr[hi]+tmi\w*|arrhythm\w*",
        r"heart|cardia[ck]|cardiovasc|myocard|miocard|corazon|infarto|arr[hi]+tmi|arrhythm",
        "contraindications warnings dose side_effects populations patients",
    ),
    ConditionWords(
        "hypertension", "high blood pressure", "la tensión alta",
        r"high blood pressure|hypertens\w*|hipertens\w*|tension alta|presion alta",
        r"hypertens|blood pressure|hipertens|tension arterial|presion arterial",
        "contraindications warnings side_effects interactions dose patients use",
    ),
    ConditionWords(
        "glaucoma", "glaucoma", "el glaucoma", r"glaucoma", r"glaucoma|intraocular pressure",
        "contraindications warnings side_effects patients",
    ),
    ConditionWords(
        "ulcer", "stomach ulcers", "la úlcera de estómago", r"ulcer\w*",
        r"ulcer", "contraindications warnings side_effects patients dose",
    ),
    ConditionWords(
        "epilepsy", "epilepsy", "la epilepsia", r"epilep\w*|seizure\w*|convulsi\w*",
        r"epilep|seizure|convulsi|crisis (epil|conv)",
        "contraindications warnings side_effects use patients",
    ),
    ConditionWords(
        "missed_dose", "a missed dose", "una dosis olvidada",
        r"forg[eo]t\w*|miss(ed)? (a|my|one|the)|missed|skip(ped)?\b|olvid\w*|saltad\w*|me salte",
        r"miss(ed)? (a |the |any |your |one )?(\w+ )?(dose|injection|tablet)"
        r"|missed(?! (period|menst|appoint))|forg[eo]t(?!ful)|olvid(?!adiz)|dosis omitida",
        "dose patients warnings",
    ),
    ConditionWords(
        "stopping", "stopping it", "dejar el tratamiento",
        r"stop\w*|quit\w*|com(e|ing) off|wean\w*|taper\w*|discontinu\w*|withdraw\w*|abrupt\w*"
        r"|suddenly|cold turkey|dejar(lo|la)? (de (tomar|usar)|el tratamiento|la |el )|de golpe"
        r"|interrump\w*|suspend\w+|retir\w+|abstinencia|bruscamente|de repente",
        r"withdrawal (?!from the)|abrupt(?!\w* (increase|onset|decrease))|taper"
        r"|stop(ping)? (taking|using|treatment|therapy)"
        r"|sudden\w* (\w+ ){0,2}(stop|discontinu|withdraw|cessation|interrupt)"
        r"|not (stop|discontinue|interrupt)|discontinuation (symptom|syndrome|of (treat|therap))"
        r"|(after|upon|on|following|rapid|cessation) (\w+ )?(stopp|discontinu|interrupt|cessation)"
        r"|discontinued (gradual|slow)|abstinencia|bruscamente|de golpe|retirada|gradualmente"
        r"|(no|antes de|al|si) (\w+ )?(interrump|suspend|deje de|dejar de|deja de)",
        "warnings dependence dose patients side_effects",
        r"(abrupt|sudden|rapid)\w* (\w+ ){0,3}(withdraw|discontinu|stop|cessation|reduc|interrupt)"
        r"|(discontinu|stopp?|withdr[ae]w)\w* (\w+ ){0,5}(abrupt|sudden|gradual|taper)|taper"
        r"|gradual\w* (dose )?(reduc|withdr|discontinu)|withdrawal (symptom|syndrome|reaction)"
        r"|(not|before you|if you) (stop|discontinue|interrupt)|bruscamente|de golpe|gradualmente",
    ),
    ConditionWords(
        "addiction", "addiction", "la adicción",
        r"addict\w*|habit.forming|dependen(ce|cy|cia)|adicci\w*|adictiv\w*|enganch\w*",
        r"addict|dependence|habit.forming|abuse|adiccion|dependencia|abuso",
        "warnings dependence patients side_effects",
    ),
    ConditionWords(
        "splitting", "splitting or crushing it", "partirlo o triturarlo",
        r"crush\w*|chew\w*|split\w*|cut\b|half|halve\w*|partir|tritur\w*|mastic\w*|mitad"
        r"|(abr(o|ir)|open(ing)?) (\w+ )?capsul\w*|machac\w*|opened\b|sprinkl\w*|abrir\w*",
        r"crush|chew|split|not divide|dividing|swallow\w* whole|scored\b|partir|tritur"
        r"|mastic|mitades|ranura|enter[oa]s?\b|open\w* (the )?capsul|abrir",
        "dose patients composition warnings storage",
    ),
    ConditionWords(
        "lactose", "lactose", "la lactosa", r"lactos\w*", r"lactos", "composition warnings",
    ),
    ConditionWords(
        "gluten", "gluten", "el gluten", r"gluten|celia\w*|coeliac|celiac", r"gluten|celia|wheat"
        r"|almidon de trigo|trigo",
        "composition warnings",
    ),
    ConditionWords(
        "appearance", "what it looks like", "su aspecto",
        r"looks? like|colou?r\b|shape\b|imprint|de que color|que color|que forma|aspecto",
        r"white|yellow|blue|pink|red\b|green|orange|round|oval|colou?r|debossed|imprint|shaped"
        r"|blanc[oa]|amarill[oa]|azul|rosa\b|roj[oa]|verde|naranja|redond[oa]|ovalad[oa]|aspecto",
        "composition storage dose",
    ),
    ConditionWords(
        "sunlight", "sunlight", "el sol",
        r"sun\b|sunlight|sunbath\w*|tan(ning)?\b|photosens\w*|tomar el sol|al sol\b|fotosens\w*",
        r"sun(light|burn|lamp|screen)?\b|photosens|phototox|ultraviolet|fotosens|fototox|al sol\b"
        r"|luz solar|rayos uv",
        "warnings side_effects patients",
    ),
    ConditionWords(
        "weight", "weight", "el peso",
        r"weight|fat\b|engord\w*|adelgaz\w*|kilos de mas|perder peso|ganar peso|coger peso",
        r"weight|aumento de peso|perdida de peso|ganancia de peso|del peso|obes",
        "side_effects warnings patients",
    ),
    ConditionWords(
        "drowsiness", "drowsiness", "la somnolencia",
        r"drows\w*|sleepy|da sueno|somnol\w*|sedat\w*|adormil\w*",
        r"drows|somnol|sedat|sleepy|sueno", "side_effects warnings driving patients",
    ),
    ConditionWords(
        "insomnia", "sleeplessness", "el insomnio",
        r"insomn\w*|awake|quita el sueno|can.?t sleep|no (puedo )?d(o|ue)rm\w*",
        r"insomn|sleepless|trouble sleeping|dificultad para dormir",
        "side_effects warnings patients",
    ),
    ConditionWords(
        "hair", "hair loss", "la caída del pelo", r"hair\b|pelo\b|cabello|calv\w*",
        r"alopec|hair|pelo\b|cabello", "side_effects warnings patients",
    ),
    ConditionWords(
        "cough", "cough", "la tos", r"cough\w*|tos\b", r"cough|tos\b",
        "side_effects warnings use patients",
    ),
    ConditionWords(
        "diarrhoea", "diarrhoea", "la diarrea", r"diarr\w*", r"diarr",
        "side_effects warnings patients",
    ),
    ConditionWords(
        "rash", "a rash", "el sarpullido",
        r"rash\w*|hives|itch\w*|sarpullid\w*|picor\w*|erupci\w*|ronchas?\b",
        r"rash|urticaria|prurit|itch|exanthem|exantema|erupcion|picor|sarpullido",
        "side_effects warnings patients contraindications",
    ),
    ConditionWords(
        "headache", "headache", "el dolor de cabeza",
        r"headache\w*|migraine|dolor de cabeza|duele la cabeza|cefalea|migrana",
        r"headache|migraine|cefalea|dolor de cabeza|migrana", "side_effects use warnings patients",
    ),
    ConditionWords(
        "sexual", "sexual function", "la función sexual",
        r"sex\w*|libido|erect\w*|erecc\w*|impoten\w*",
        r"sexual|libido|erecti|ereccion|impoten|ejacul",
        "side_effects warnings patients",
    ),
    ConditionWords(
        "contraceptives", "contraceptives", "los anticonceptivos",
        r"birth control|contracepti\w*|the pill\b|anticoncepti\w*|pildora",
        r"contracepti|anticoncepti", "interactions pregnancy warnings patients",
    ),
    ConditionWords(
        "blood_tests", "blood tests", "los análisis de sangre",
        r"(blood|lab\w*|liver|kidney) tests?|monitor\w*|analisis|analitica\w*",
        r"blood (test|count)|monitor|laboratory test|tests?\b|analisis|controles|hemograma|vigila",
        "warnings dose patients side_effects",
    ),
    ConditionWords(
        "onset", "how soon it works", "cuánto tarda en hacer efecto",
        r"kick in|take effect|start\w* (to )?work\w*|onset|take to work|hac(e|er) efecto",
        r"onset|within \d+|peak|tmax|t max|begins?|inicio|comienz|concentraci\w+ maxima"
        r"|\d+ (a \d+ )?(minutos|horas)",
        "mechanism use dose",
    ),
    ConditionWords(
        "duration", "how long it lasts", "cuánto dura",
        r"half.?life|stays? in|vida media|semivida|dura el efecto|effects? last\w*",
        r"half.?lif|vida media|semivida|duration of|duracion", "mechanism dose",
    ),
    ConditionWords(
        "boxed_warning", "a boxed warning", "un recuadro de advertencia",
        r"(black.?|boxed?.?){1,2}warning|recuadro",
        r"boxed warning|^warning\b|recuadro", "warnings",
    ),
)  # fmt: skip
"""Every condition that questions are searched for."""
