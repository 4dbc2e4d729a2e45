"""The words by which a question tells the kind of section that answers it.

Patterns over folded text, each alternative read from the start of a word. A word inside a lookahead
tells the kind and, no part of the match, still chooses the sentence.
"""

from __future__ import annotations

_CHILD = (
    r"child(?!.pugh)\w*|kids?\b|bab(?:y|ies)\b|toddlers?|infants?\b|newborns?|p[ae]+diatr\w*"
    r"|teen\w*"
    r"|adolescen\w*|nin[oa]s?\b|bebes?\b|lactantes?\b|hij[oa]s?\b|recien nacid\w*|nen[ae]?s?\b"
    r"|(?:my|your|a) (?:son|daughter)"
)
_ELDER = (
    r"elder\w*|seniors?\b|older (?:people|adult|patient|person)|old (?:people|age)|geriatr\w*"
    r"|ancian\w*|(?:personas?|gente|pacientes?) mayor|edad avanzada|abuel[oa]|tercera edad"
    r"|grand(?:ma|pa|mother|father)\b|gent gran"
)
_ILL = (
    r"insuf|enferm|problem|ulcer|asma|diabet|glaucom|epilep|hiperten|tension|tromb|anemi|gota\b"
    r"|cirros|hepat|renal|rinon|higado|corazon"
)
_ORGAN = r"kidney|renal|liver|hepat|rinon|higado"

CUES: tuple[tuple[str, str], ...] = (
    (
        "overdose",
        r"overdos\w*|too (much|many)\b|swallowed (?!whole|with)|poison\w*|antidote|accident\w*"
        r"|by mistake|took (\w+ ){0,3}(two|three|double|twice)\b|twice today|double the dose"
        r"|(ate|drank|swallowed) (half|a|my|the|some|several|his|her)\b|handful|lethal|fatal dose"
        r"|sobredosi\w*|demasiad\w+|intoxica\w*|antidoto|trag(o|ado|ue)\b|de mas\b|de la cuenta"
        r"|(dos|tres|two|three) (\w+ ){0,5}(en vez|en lugar|instead)\b|ido la mano|se pas\w+ con"
        r"|el doble|doble dosis|por error|se ha (bebido|comido|tomado)|letal\w*|dosis mortal"
        r"|took \d+ |i.?ve (had|taken) \d+ (today|pills|tablets)?|(he|ha|hemos) tomado (dos|tres"
        r"|mas)\b"
        r"|del? que (debia|debe|tocaba)|equivocad[oa]|(?=(how much|cantidad"
        r"|cuant\w+)\b.*\b(toxic\w*|mortal))"
        r"|(?=(treat\w*|tratamiento|signs?|signos?|symptoms?|sintomas?)\b.*\btoxici)",
    ),
    (
        "storage",
        r"(left|leave|dejado|dejo|deje|olvidado)\b(?=.*\b(car|coche|sun|heat|fridge|nevera"
        r"|fuera|calor)\b)",
    ),
    (
        "pregnancy",
        r"pregnan\w*|(?=breast.?fe|breast milk|nursing|nurse (my|a|the) baby|lactat|lactancia"
        r"|amamant|(dar|doy|dando) (le )?(el )?pecho|leche materna|concei|conception)|unborn"
        r"|f(o?)et(us|al|o)\b|embara[zs]\w*|gestan\w*|gestaci\w*|trimest\w*|expecting|fertil\w*"
        r"|(trying for|have) a baby|tener (un |otro )?(hijo|bebe)|harm the baby|teratog\w*"
        r"|alletament|(for|hurt|harm) (the|my) baby|\d+ weeks (pregnant|and|along)|de \d+ semanas"
        r"|(?=de mamar)",
    ),
    (
        "driving",
        r"(?<!sex )driv(e|es|er|ers|ing)\b|condui\w*|(the )?wheel\b|the car\b|car keys|machine\w*"
        r"|heavy equipment|fly(ing)? (a |an )?(plane|air)\w*|pilot\w*|condu[cz](?!ta)\w*"
        r"|motor(bike|cycle)|coche|moto\b|volante|maquin\w*|manejar|bicicleta"
        r"|patinete|camioner\w*|taxista|vehic\w*",
    ),
    (
        "storage",
        r"stor(e|ed|age|ing)\b|keep\b(?! (taking|using|me\b|on\b))|kept|temperatur\w*|fridge"
        r"|refrigerat\w*|freez\w*|expir\w*|shelf.?life|(once|after|when|an|is) open(ed|ing)\b"
        r"|conserv(?!ante)\w*|go(es)? off\b|room temp|(in|during) (the )?summer|en verano|travel\w*"
        r"|(on|in) (a|the) plane|avion\b|viaj\w*"
        r"|almacena\w*|guard(o|a|ar|e|en)\b|nevera|frigorifico|congel\w*|caduc\w*|abiert[oa]\b"
        r"|throw (away|out)|dispos\w+|left.?over|sobrad\w*|tir(o|ar|an)\b|desech\w*"
        r"|protect\w* from (light|moisture)|(prote[cg]|resguard)\w* (de|contra) la (luz|humedad)",
    ),
    (
        "dose",
        r"(?=did(n.t| not) take|no (me )?(la |lo )?tome\b|forg[eo]t|miss(ed)? (a|my|one"
        r"|the) (\w+ )?(dose|day|pill|tablet|injection)|missed"
        r"|skip(ped)? (a|my|one)|olvid|saltad|me salte)",
    ),
    (
        "warnings",
        r"(stop(ping|ped)?|quit(ting)?|com(e|ing) off|wean\w*|taper\w*|withdraw\w*)\b"
        r"(?!.*\b(pain|bleed|itch|cough|vomit|smok)\w*)|discontinu\w*|cold turkey|suddenly"
        r"|abrupt\w*|poco a poco|como (lo |la )?dejo\b|inr\b|liver enzymes|gradual\w*"
        r"|hooked|vigilar|watch (out )?for|(whole|full) course"
        r"|dejar el antibio\w*|hay que dejar"
        r"|dejar(lo|la)? (de (tomar|usar)|el tratamiento|la |el )|de golpe|de repente"
        r"|interrump\w*|suspend\w+|se retira|retir(o|ar|ada)\b|abstinencia|bruscamente"
        r"|addict\w*|habit.forming|dependen(ce|cy|cia)|adicci\w*|adictiv\w*|enganch\w*"
        r"|(black.?|boxed?.?){1,2}warning|recuadro|(blood|lab\w*|liver|kidney) tests?|monitor\w*"
        r"|analisis|analitica\w*|\bsun\b|sunlight|sunbath\w*|photosens\w*|tomar el sol|al sol\b"
        r"|fotosens\w*|tell my doctor|before (i )?(start|tak|us)\w*(?! (it )?(with|on) )"
        r"|antes de (empezar|tomar|usar)|surgery|cirugia|operacion|dentist\w*|importan\w+ warning",
    ),
    (
        "contraindications",
        r"should not (take|use|get|be (taken|used|given))|shouldn.?t (take|use)|contra?indica\w*"
        r"|must not|not (to )?be given|no deba (tomar|usar)"
        r"|not be (used|taken|given)|forbidden|who (can.?t|cannot|can not|should avoid|should not)"
        r"|(when|who) should (\w+ )?avoid|(?=allergic|allergy to)|prohibid\w*"
        r"|no deb\w+ (tomar|usar)|no se debe (usar|tomar)|no pueden? (tomar|usar)|quien(es)? no\b"
        r"|qui no pot|(?=alergi(c[oa]s?|a)\b)|en que casos no",
    ),
    (
        "dose",
        r"crush\w*|split(ting)?\b|chew\w*|cut\b(?! (out|down))|hal(f|ve)\b(?!.?life)|partir"
        r"|partid[oa]|tritur\w*|machac\w*|mastic\w*|mitad|(abr(o|ir)|open(ing)?) (\w+ )?capsul\w*"
        r"|trag(ar|a|an)\b|dissolv\w*|disolv\w*"
        r"|empty stomach|en ayunas|estomago vacio",
    ),
    (
        "interactions",
        r"interact\w*|interacc\w*|mix\w*|mezcl\w*|junt[oa]s?\b|combin(e|ed|ing|a|o|ar\w*|ado)\b"
        r"|other medicines|react with|compatible\w*|alongside"
        r"|together (?!on)|otros medicamentos|a la vez|at the same time|beber\b|si bebo|drink\w*"
        r"|beure|(?<!contain )(?<!contiene )(?<!lleva )(?<!hay )(?<!there )(?=alcohol)"
        r"|(?=grapefruit|pomelo|wine\b|beers?\b|vino\b|cervezas?\b|copas?\b)"
        r"|(?=champagne|cava\b|gin\b|whisky|vodka|liquor|licor\w*|juices?\b|zumos?\b)"
        r"|(?=(special )?diet(ary)?\b|foods? (to|should|can|do)\b|(que|what|which) (alimento|food))"
        r"|take[ns]?\b(?=.* with (?!food|meal|a meal|water|milk|an empty|kidney|liver|diabet|asthma"
        r"|glaucoma|heart|high))"
        r"|(pued\w+|puc) (tomar\w*|prendre)(?=.* (con|amb) (?!(la |el |las )?(comida|agua|leche"
        rf"|estomago|desayuno|cena)|(un |una )?({_ILL})))"
        r"|(?=cyp ?\d\w*|inhibi(dor|tor)|induc(er|tor)|st\.? john|hierba de san juan|supplement"
        r"|suplement)|pain.?killers? (can|should)|que analgesico|birth control|contraceptive"
        r"|the pill\b(?!\W*$)|anticoncepti\w*|pildora|reduce the effect|quita efecto|le quita"
        r"|(vaccin(e|ation)s?|jab) (while|on|if|with)"
        r"|vacunar\w*|\w+ plus \w+",
    ),
    (
        "mechanism",
        r"why does\b(?=.*\b(lower|raise|reduce|thin|stop))|por que\b(?=.*\b(baja|reduce|quita)\b)",
    ),
    (
        "side_effects",
        r"blood sugar|azucar en (la )?sangre|(sube|baja) (el|la) (azucar|tension|libido)",
    ),
    (
        "composition",
        r"(is|are) there\b(?=.* in\b)|contain\w*|contiene\w*|ingredient\w*|composition"
        r"|composici\w*|excipient\w*|made (of|with)"
        r"|strengths?\b|what is in\b|esta hech[oa]|concentraci\w*|presenta\w*|lleva\b|come in\b"
        r"|(?=lactos|gluten|celia|coeliac|sugar|azucar|gelatin|vegan|vegetarian|halal|preservativ"
        r"|conservante|colou?rant|coloring)|inactive|coating|looks? like|what colou?r"
        r"|(de )?que color|que forma tiene|imprint|liquid form|available (in|as)"
        r"|(?=sulfit\w*|coloran\w*)|what.?s in\b|(white|blue|pink|yellow|round) (pill|tablet)\b"
        r"|(pastilla|comprimido) (blanc|azul|ros|amarill)\w*|hay\b(?=.* en (sobre|jarabe|gota"
        r"|ampolla|polvo|suspension))|(?=vegano|vegana)",
    ),
    (
        "mechanism",
        r"mechanism|mecanismo|how (does|do)\b(?=.*\b(works?|acts?)\b)|como (actua|funciona|trabaja)"
        r"|action of|accion de|half.?life|vida media|semivida|onset|kick in|take effect"
        r"|feel the effect"
        r"|how does \w+ (thin|lower|reduce|stop|affect|help)|que hace (el |la )?\w+ en\b"
        r"|hac(e|er) efecto|dura el efecto|stay\w* in (your|my|the)|pharmaco(kin|dyn)\w*"
        r"|how (fast|quickly|soon)|en cuanto tiempo|farmaco(cin|din)\w*|metaboli[sz]\w*"
        r"|what does\b(?=.*\bdo (to|in)\b)|bioavail\w*"
        r"|biodisponib\w*|se elimina|take to work",
    ),
    (
        "use",
        r"(help|good|work|work well|vale|sirve|va bien|bueno|buena|bien) (with|for|para|contra)\b"
        r"|quita (el|la|los) (dolor|fiebre|tos|picor)|alivia",
    ),
    (
        "side_effects",
        r"side.?effects?|adverse|unwanted|undesirable|reaccion\w* advers\w*|ram\b"
        r"|efect\w* (secundari|advers|no desead|malo|indeseab)\w*|bad effects|reaction to",
    ),
    (
        "dose",
        rf"(how (much|many)|cuant[oa]s?|cantidad|dos(e|is|ing|age|i)"
        rf"|posolog\w*)\b(?=.*\b({_CHILD}))"
        r"|dos(e|es|ing|age|is|i)\b|posolog\w*|pauta|how (much|many|often)\b(?! (does it )?cost)"
        r"|how (should|do|to)\b(?=.*\b(take|taken|use|used|give|given|inject|administered)\b)"
        r"|how is\b(?=.*\b(given|taken|used|administered)\b)"
        r"|how long\b(?=.*\b(take|taking|use|on)\b)|(?=from what age|(a partir de|desde) que edad)"
        r"|max(imum|ima|imo)?\b|milligrams?|miligramos?|(times|veces) (a|al|per) (day|dia|week"
        r"|semana)"
        r"|every (how many|\d+|other)|cada \d+|my next|volver a tomar|todos los dias"
        r"|every day|enough\b|need more|(una o dos|one or two)|too (high|low)|de una vez"
        r"|(ritmo|velocidad) de infus\w*|infusion rate|(morning|night|evening)\b(?=.*\b(instead"
        r"|or)\b)"
        r"|por la (manana|noche)|how (many|much) hours"
        r"|before or after|(before|after|with|without) (a |my )?(food|meals?|breakfast|dinner)"
        r"|best time|what time|a que hora|cuant[oa]s?\b(?! (cuesta|vale))"
        r"|como (se |me |lo |la )?(tom|us|administr|pon|pinch|inyect|aplic)\w*"
        r"|cada cuanto|cuando (se |lo )?tom\w*|(antes|despues) de (comer|cenar|desayunar)"
        r"|con (la )?comida|tableta\w* al dia|inject(ing|ed|s)?\b"
        r"|inyect(o|ar|arme|arse|a)\b|administ\w*|infused|ajuste\b|adjust\w*",
    ),
    (
        "side_effects",
        r"makes? (me|you)|worst that can|sentar mal|give[sn]? (me|you)|causes?\b(?! of)"
        r"|cause\b|feel\w*|sientan? mal"
        r"|molestia\w*|engord\w*|adelgaz\w*|es normal|provoca\w*|produce\b|gain(ing)? weight"
        r"|weight gain|keep me|desde que (tomo|empec)\w*|since (i|starting|taking)\b|that the pill"
        r"|es por eso|risks? (of|from)|riesgos?|long.term|largo plazo|mucho tiempo|me ha salido"
        r"|i got\b|hincha|aes?\b|me sube|make me|lower your|raise your"
        r"|(?=hair\b|pelo\b|rash|sarpull|diarr|drows|sleepy|insomn|awake|headache|libido|sex\b"
        r"|sex drive|erecc|erect|nause|dizz|mareo|vomit|constip|estren|swell|itch|picor|tired"
        r"|cansancio|cough|weight)|da (sueno|diarrea|tos|alergia|mareo|gases|nauseas|hambre)"
        r"|(?=ankle|tobillo|swollen|(boca|dry)\b.* (seca|mouth)|dry mouth|sweat|sudor|tremor"
        r"|temblor"
        r"|shak(y|ing)|dementia|demencia|memor(y|ia)\b|fatigue|reaccion\w* (alerg|cutan|en la piel)"
        r"|teeth|dientes|nightmare|pesadill|palpitac|palpitat|tinnitus|zumbido|blurr|vision borrosa"
        r"|numb|hormigu|cramp|calambr|depress|suicid|anxiet|ansied|mood|bruis|moraton|acne|thirst"
        r"|appetite|apetito|bloat|urin|orin(a|o|ar)\b|taste|sabor|hallucin|alucin|faint|desmay)"
        r"|quita el sueno|cae el pelo|muscles?\b|musculos?|damages?\b|hurt",
    ),
    (
        "warnings",
        rf"(safe|bad|harmful|hard|malo|mala|seguro|segura|dano|perjudic\w+)\b(?=.*\b({_ORGAN}))",
    ),
    (
        "contraindications",
        r"can\b(?=.*\b(people|patients|someone|anyone|a person|a patient) (with|on|who)\b)"
        r"|(if )?i have (?=(?!a question|been|had|to\b|just).*\b(can|ok|safe)\b)|i.?m diabetic"
        r"|pued\w+ (los |un |una )?pacient\w+|pued\w+ tomar(?=.*\b(paciente|persona)s? (con|en))"
        r"|(?=(tengo|padezco|sufro|si tengo)\b (?!que|una duda|una pregunta))"
        r"|soy (?=diabet|asmat|hiperten|epilep|celia|alerg)"
        rf"|pued\w+ tomar(?=.*\b(con|en) (un |una )?({_ILL}))"
        r"|(ok|safe)\b(?=.* if i have)"
        r"|tak\w+\b(?=.* with (kidney|liver|diabet|asthma|glaucoma|heart|high blood))"
        r"|(?=i had (a|an)\b|me operaron|me falta|stroke|ictus|infarto|heart (attack|failure"
        r"|disease)"
        r"|corazon\b|prostat|thyroid|tiroid|parkinson|myasthen|miasten|lupus|psoria|porphyr|porfiri"
        r"|g6pd|gout\b)|allowed if",
    ),
    ("side_effects", r"hace dano|hacer dano"),
    ("elderly", rf"(?={_ELDER}|[6-9]\d.?years|[6-9]\d anos|(over|mayores de) [6-9]\d)"),
    (
        "children",
        rf"(?={_CHILD}|from what age|a partir de que edad|(under|below|menores? de) 1?\d\b"
        r"|\b(1[0-7]|[1-9]) (anos|meses|years|months|year old)\b|sobrin[oa]|nephew|niece"
        r"|niet[oa]s?\b)",
    ),
    (
        "warnings",
        r"warning\w*|precaution\w*|careful|caution|advertenc\w*|precauci\w*|cuidados?\b"
        r"|danger\w*|peligr\w*|safety|debo saber antes",
    ),
    (
        "use",
        r"helps?\b|used (for|to|in)|what (is|are)\b(?=.*\bfor\b)|what.?s\b(?=.*\bfor\b)"
        r"|what is (?!the\b)"
        r"|treats?\b|indicat\w*|indicac\w*|why (do|is|has|have|did|am|get)|is for\b|works?\b"
        r"|prescribed|purpose|para que|per a que|sirve|serveix|trata[nr]?\b|que es\b|vale para"
        r"|put me on|(kind|type) of (drug|medicine|medication)|tipo de (medica|farmac)\w*"
        r"|que clase|recetad\w*|por que me|enfermedades|who should get|effective|eficaz"
        r"|es (la |el |un |una )?\w+ un[ao]? |on (a|an|my) (\w+ )?(bite|burn|wound|sting|spot|scar)"
        r"|clear up|picadura|quemadura|herida\b|what does \w+ do\b|para (dormir|el|la|los|las|un"
        r"|una)\b",
    ),
    ("warnings", r"safe\b|segur[oa]s?\b|risks?\b|riesg\w+"),
    ("side_effects", r"(?=syndrome|sindrome|symptoms?\b|sintomas?\b)"),
    # What may be the medicine itself, as vitamins are, tells a kind where nothing else does.
    (
        "interactions",
        r"(ok|safe|fine) with\b|que puedo tomar\b(?=.* si tomo)|qt\b|(?=coffee|cafe\b|tea\b"
        r"|te verde|cannabis|marihuana|weed\b|tobacco|tabaco|fum(o|ar)\b"
        r"|antacids?\b|antiacidos?\b|vitamin\w*|iron\b|hierro|calci\w+|magnesi\w+|zinc\b|milk\b"
        r"|leche\b|dairy|lacteos)",
    ),
)
"""Kinds and their cues, the most telling first: the first that stands in a question is its kind."""

NAMED: dict[str, str] = {
    "use": r"used for|what (is|are|.s)\b(?=.*\bfor\b)|what does \w+ do\b|indicat\w*|indicac\w*"
    r"|para que|sirve",
    "dose": r"dos(e|es|ing|age|is|i)\b|posolog\w*|how (much|often|should|do|to|is)\b"
    r"(?=.*\b(tak|us|giv)\w*|\W*$)|cada cuanto|cuant[oa]s?\b(?! (cuesta|vale))"
    r"|como (se |lo |la )?(tom|us|administr)\w*|pauta",
    "side_effects": r"side.?effects?|adverse|unwanted effect\w*|efectos? (secundari|advers)\w*"
    r"|reacciones adversas",
    "contraindications": r"contra?indica\w*|who should not|quien no",
    "interactions": r"interact\w*|interacc\w*|(drink|beber|con) (alcohol|vino|wine|beer|cerveza)"
    r"|alcohol\b|grapefruit|pomelo",
    "pregnancy": r"pregnan\w*|breast.?feed\w*|embarazo|embarazada|lactancia",
    "driving": r"driv(e|ing)\b|conducir|conduccion",
    "overdose": r"overdos\w*|sobredosi\w*",
    "storage": r"stor(e|ed|age)\b|conserv(a|o|ar|acion)\b|guard(a|o|ar)\b|keep it\b",
    "composition": r"ingredient\w*|excipient\w*|composition|composici\w*|contain\w*|contiene\w*",
    "warnings": r"warnings?\b|precaution\w*|advertenc\w*|precauci\w*",
    "mechanism": r"mechanism|mecanismo|how (does|do) (it|\w+) work|como (actua|funciona)",
}
"""How a part of a question names one kind outright: several kinds are answered only for these."""

NO_SECTION = (
    r"price|costs?\b|cheap\w*|expensive|precio|cuesta\w*|vale\b(?! para)|barat\w*|brand names?"
    r"|nombres? comercial\w*|invent\w*|where (can|do) i buy|donde (se )?compr\w*"
)
"""What no section of a medicine's text tells."""
