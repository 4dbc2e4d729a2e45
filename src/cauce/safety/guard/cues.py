"""What rules see of an attack: orders to drop the rules, played roles, dictated openings, leaks.

No cue decides: each is one more feature of the classifier, for ordinary people write "olvida lo
anterior" too. Patterns are matched in folded text, Spanish, English and Catalan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cauce.knowledge.words import fold

_RULES = (
    r"(?:instruc+ion\w*|instructions?|normas?|normes|reglas?|regles|rules?|directric\w+|guidelines"
    r"|directives?|directivas?|politicas?|politiques|polic\w+|restric+ion\w*|restrictions?"
    r"|filtr\w+"
    r"|filters?|limits?|limites|limitacion\w*|salvaguard\w*|safeguards?|prompt\w*|programa\w+"
    r"|safety|seguridad|seguretat|censura|ordenes|ordres|principios|principis)"
)
_DROP = (
    r"(?:ignor\w*|olvid\w*|oblid\w*|forget|disregard|overrid\w*|bypass\w*|descart\w*|desobedec\w*"
    r"|desobeeix\w*|disobey|salt(?:a|ate|arte|as|eu|i|ar|ar-te)\b|haz caso omiso|caso omiso"
    r"|no hagas caso"
    r"|no facis cas|prescind\w*|omit\w*|anul\w*|desactiv\w*|disabl\w*|deactivat\w*|turn off"
    r"|apaga\w*"
    r"|elimin\w*|remov\w*|suspen\w*|levant\w*|aixeca\w*|lift\w*|sobrescri\w*|reinici\w*|reset|drop"
    r"|pas[aá] por alto|dej[ae]\w* de (?:seguir|lado)|deixa de seguir|stop following|sin|sense"
    r"|without|no)"
)
_MODEL = (
    r"(?:asistentes?|assistents?|assistants?|chatbot|bot|ia|ai|inteligencia artificial"
    r"|intel·?ligencia artificial|artificial intelligence|modelos? de (?:lenguaje|ia)"
    r"|models? de llenguatge|language models?|llms?|sistema automatico|sistema|system)"
)
_PATTERNS = {
    "drops rules": rf"{_DROP}\W+(?:\w+\W+){{0,5}}?{_RULES}",
    "rules are void": rf"{_RULES}\W+(?:\w+\W+){{0,5}}?(?:anulad\w+|anul·?lad\w+|void|no longer"
    r"|ya no|ja no|eliminad\w+|removed|lifted|off|desactivad\w+|pausa|paused|suspended)",
    "no limits": r"(?:sin|sense|without|no|ningun\w*|cap|zero|any) (?:\w+ ){0,2}(?:filtr\w+"
    r"|censura"
    r"|censor\w*|restric+ion\w*|restrictions?|limit(?:e|es|s|acion\w*|ations?)|etica|ethic\w*"
    r"|moral\w*"
    r"|principios|principis|principles|escrupul\w*)\b|uncensored|unfiltered|unrestricted"
    r"|jailbr\w+",
    "from now on": r"a partir de (?:ahora|aqui|este momento|ara)|desde (?:ahora|este momento)"
    r"|des d'(?:ara|aquest moment)|d'ara endavant|from (?:now|this moment|here) on\w*"
    r"|de ahora en adelante",
    "played role": r"\b(?:actua|act|finge|fes veure|pretend|imagin\w*|simul\w+|interpret\w+"
    r"|haz(?:te)?"
    r"|hazme|fes|juga\w*|juguem|vamos a jugar|role ?play\w*|let's play|eres|ets|you are|you're"
    r"|haces de"
    r"|te llamas|your name is|you play)\b",
    "fiction": r"\b(?:novela|novel·?la|novel|cuento|conte|story|obra de teatro|pelicula"
    r"|pel·?licula"
    r"|film|movie|guion|script|villano|villain|dolent|malvado|evil|personaje|personatge|character"
    r"|ficti\w+|hipotetic\w+|hypothetical\w*|universo|universe|univers|juego de rol|joc de rol)\b",
    "mode": r"\b(?:modo|mode|mod)\W+(?:\w+ ){0,2}(?:desarrollador|developer|dios|god|libre"
    r"|lliure|seguro"
    r"|sin filtros|root|admin\w*|debug|dan)\b|\bdeveloper mode\b|\bdan\b",
    "dictated opening": r"(?:empieza|empeza|comienza|inicia|arranc\w+|comenca|start|begin"
    r"|open)\w* "
    r"(?:\w+ ){0,5}(?:con|diciendo|por|with|by|amb|dient|per)\b|primeras palabras|first words"
    r"|(?:continua|continue|sigue|segueix)\w* (?:exact\w+ )?(?:desde aqui|des d'aqui|from here)"
    r"|complet\w+ (?:el|the|la|this|este|aquest) (?:text\w*|frase|sentence|registro)",
    "opening given": r"[\"'«:“](?:\W*)(?:claro|por supuesto|desde luego|sure|of course|certainly"
    r"|absolutely|es clar|i tant|per descomptat|con (?:mucho )?gusto|si, )",
    "no refusal": r"(?:no|nunca|never|sin|sense|without|don't|do not|prohibid\w+|prohibit"
    r"|forbidden"
    r"|ni|mai)\W+(?:\w+\W+){0,4}?(?:negar\w*|negues|niegues|rehus\w*|rechac\w*|rechaz\w*|refus\w+"
    r"|disculp\w*|apolog\w*|advertenc\w*|advertiment\w*|avisos?|warn\w*|disclaimer\w*|moralin\w*"
    r"|sermon\w*|lectur\w*|excusas?|excuses)|negarse no|negar-se no|refusing is not",
    "asks for the prompt": r"(?:prompt|mensaje de sistema|system (?:prompt|message)"
    r"|missatge de sistema"
    r"|(?:instruc+ion\w*|instructions|normas?|normes|reglas?|regles|rules|configuraci\w+"
    r"|configuration"
    r"|directric\w+|directrices)\W+(?:\w+\W+){0,4}?(?:intern\w*|ocult\w*|hidden|secret\w*"
    r"|confidencial\w*|confidential|inicial\w*|initial|sistema|system|recib\w+|rebut|you (?:got"
    r"|were|have)"
    r"|te (?:dieron|han)|t'han))",
    "verbatim": r"palabra por palabra|paraula per paraula|word for word|verbatim|literal\w*"
    r"|tal cual"
    r"|al pie de la letra|letra (?:a|por) letra|lletra a lletra|above this|por encima de"
    r"|per sobre d"
    r"|anterior a este|todo lo anterior|everything above",
    "others' data": r"(?:datos|dades|data|historial\w*|records?|conversa\w*|conversations?"
    r"|nombres|noms"
    r"|names|dni|telefon\w*|contrasen\w*|password|clave|credential\w*|api key|token"
    r"|direccion\w*|adreces"
    r"|diagnostic\w*)\W+(?:\w+\W+){0,6}?(?:pacient\w*|patients?|usuari\w*|users?|residente?s?"
    r"|otr[oa]s"
    r"|altres|other|vecin\w*|vein\w*|neighbou?r\w*|guardad\w*|guardats|stored|entren\w*|training"
    r"|base de da\w+|database)",
    "turn marks": r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|eot_id)\W"
    r"|\[/?(?:inst|system"
    r"|sys)\]|<</?sys>>|###\s*(?:instruc|instruct|respuesta|response|resposta|system)|\"role\"\s*:"
    r"|^\s*(?:system|sistema|assistant|asistente|assistent)\s*:|\badmin\w*.{0,20}\b(?:root"
    r"|verific\w+)",
    "several turns": r"\A(?>.*?(?:user|usuario|usuari|human|humano|q|p|pregunta|question|input"
    r"|entrada)\s*:"
    r".{3,200}?(?:assistant|asistente|assistent|ai|ia|a|r|respuesta|resposta|answer|output|salida"
    r"|sortida)\s*:){2}",
    "to a model": rf"(?:nota|note|instruc+ion\w*|instructions?|orden|order|atencio\w*|attention"
    rf"|mensaje"
    rf"|message|missatge|estimad\w+|dear|cualquier|qualsevol"
    rf"|any)\W+(?:\w+\W+){{0,4}}?{_MODEL}\b|<!--",
    "asks to decode": r"(?:de(?:s)?codific\w*|decode|descifr\w*|desxifr\w*|decipher|decrypt"
    r"|traduce el"
    r" codigo|base ?64|base ?32|rot ?13|hexadec\w*|\bhex\b|binari\w*|binary|morse|cesar|caesar"
    r"|atbash"
    r"|al reves|backwards|invertid\w*|sin vocales|sense vocals|without vowels|cifrad\w*"
    r"|xifrad\w*)",
    "and obey": r"(?:obedec\w*|obeeix\w*|obey|haz lo que dice|fes el que diu|do what it says"
    r"|comply"
    r"|cumple|compleix|sigue la instruccion|follow it|a lo que pide|a el que demana|al que demana"
    r"|what it asks)",
    "names harm": r"\b(?:bomb[ae]s?|bombs?|explosi\w+|venen\w*|veri\b|verin\w*|e[nm]+(?:v"
    r"|m)[ei]\w*nen\w*|enverin\w*"
    r"|emmetzin\w*|poison\w*|drog\w*|drugs?|drugg\w+|falsific\w*|forg(?:e|ed|ing|ery)|fake\w*"
    r"|rob(?:ar|o|an?|e|ada?s?)\b"
    r"|robat\w*|robad\w*|steal\w*|stolen|estaf\w*|scam\w*|timar|maltrat\w*|abus\w*|matar\w*"
    r"|kill\w*|murder\w*"
    r"|asesin\w*|assassin\w*|suplant\w*|hack\w*|enganar\w*|enganyar\w*|deceiv\w*|trick\w*"
    r"|sedar\w*|sedat\w*"
    r"|chantaj\w*|xantatge|blackmail\w*|amenaz\w*|amenac\w*|threaten\w*|vengar\w*|venjar\w*"
    r"|revenge|espiar|spy"
    r"|trafic\w*|smuggl\w*|narco\w*|metanfet\w*|meth\b|pegar(?:le)?\b|secuestr\w*|armas?\b"
    r"|guns?\b|weapon\w*"
    r"|delinqu\w*|criminal\w*|delito\w*|ilegal\w*|il·?legal\w*|illegal\w*)",
    "presses": r"(?:por|per) (?:tu|la teva|su) culpa|culpa (?:tuya|teva)|your fault|on you\b"
    r"|suplic\w+|\bbeg\b|suplico"
    r"|si no me (?:lo )?(?:di[cg]es|ayudas|explicas)|si no m'ho|if you (?:don't|refuse|won't)"
    r"|negativa|te niegas|et negues"
    r"|si (?:de verdad )?me (?:quieres|aprecias|aprecia?s)|si m'estimes|if you (?:loved|cared)"
    r"|tu(?:vieras)? corazon|te autorizo"
    r"|autoriz\w+|authori[sz]e\w*|te ordeno|t'ordeno|i order you|codigo|codi|access code",
    "step by step": r"paso a paso|pas a pas|step[ -]by[ -]step|con (?:todo )?detalle|in detail"
    r"|amb detall"
    r"|instrucciones (?:exactas|completas|detalladas)|sin que (?:se note|nadie|me pillen)"
    r"|sense que (?:es noti|ningu)|without (?:getting caught|anyone|being)",
    "in the past": r"en el pasado|en el passat|in the past|antiguamente|antigament"
    r"|anos (?:\w+enta|20|30"
    r"|40|50)|anys \w+anta|guerra (?:fria|mundial)|cold war|siglo pasado|segle passat",
}
_COMPILED = {
    name: re.compile(pattern, re.DOTALL | re.MULTILINE) for name, pattern in _PATTERNS.items()
}


def cues_in(text: str) -> Iterator[str]:
    """The names of what the rules see in `text`."""
    folded = fold(text)
    for name, pattern in _COMPILED.items():
        if pattern.search(folded):
            yield name
