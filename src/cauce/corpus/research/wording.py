"""How articles in English and Spanish join, frame and point: what a question leaves behind."""

from __future__ import annotations

import re

from cauce.records import Language

MARK, AUTHORS = "\ue000", "\ue001"
"""Stand for a citation mark, and for authors who are named as the ones who did something."""

Patterns = dict[Language, re.Pattern[str]]

_REPORTING: dict[Language, str] = {
    "en": "shown?|showed|shows|demonstrat\\w+|report(?:ed|s)?|suggest(?:ed|s)?|found|finds?|"
    "indicat\\w+|reveal(?:ed|s)?|observ\\w+|propos\\w+|conclud\\w+|confirm\\w*|estimat\\w+|"
    "argu\\w+|not(?:ed?|ing)|stat(?:ed|es?)|known|believed|thought|accepted|established|"
    "documented|hypothesi[sz]ed|recogni[sz]ed|postulated|speculated|recommended?|determined|"
    "assumed|highlight\\w*|point(?:ed)? out|describ\\w+|discovered|proved|proven|provided? evidence"
    "|support(?:ed|s)? the (?:idea|hypothesis|notion|view)|provided? the (?:first )?evidence|"
    "evidence|fact|clear|likely|evident",
    "es": "demostr\\w+|demuestran?|mostr\\w+|muestran?|suger\\w+|sugieren?|indic\\w+|"
    "encontr\\w+|encuentran?|observ\\w+|report\\w+|public\\w+|descri\\w+|concluy\\w+|conclu\\w+|"
    "confirm\\w+|estim\\w+|señal\\w+|propuesto|propon\\w+|propus\\w+|afirm\\w+|sab\\w+|conoc\\w+|"
    "comprob\\w+|acept\\w+|documentado|evidenci\\w+|hall\\w+|pone de manifiesto|ponen de manifiesto"
    "|visto|vist[oa]s?",
}
_FRAMERS: dict[Language, str] = {
    "en": f"it|there|stud(?:y|ies)|reports?|evidence|data|research\\w*|authors?|works?|papers?|"
    f"articles?|results?|findings?|experiments?|investigat\\w+|analys[ei]s|reviews?|surveys?|"
    f"literature|meta-analys[ei]s|trials?|scholars?|estimates?|models?|observations?|"
    f"scientists|{AUTHORS}",
    "es": f"se|estudios?|trabajos?|autores|investigaci\\w+|evidencias?|pruebas|datos|artículos?|"
    f"resultados|hallazgos|ensayos?|revisi\\w+|literatura|encuestas?|análisis|experimentos?|"
    f"investigadores|{AUTHORS}",
}
FRAMES: Patterns = {
    "en": re.compile(
        rf"(?:As |In |From )?(?:[^\s,;:]+ ){{0,8}}?(?:{_FRAMERS['en']})(?:[ ,]+[^\s;:]+){{0,12}}?"
        rf"[ ,]+(?:{_REPORTING['en']})(?:,? (?:in|for|by|to us|at|previously|here)[^,;:]{{0,40}})?"
        rf",? that,? (?!of |is |are |was |were )",
        re.IGNORECASE,
    ),
    "es": re.compile(
        rf"(?:[^\s,;:]+ ){{0,8}}?(?:{_FRAMERS['es']})(?:[ ,]+[^\s;:]+){{0,10}}?"
        rf"[ ,]+(?:{_REPORTING['es']})(?: [^,;:]{{0,30}}?)?,? que,? ",
        re.IGNORECASE,
    ),
}
"""What tells who found something, up to "that": it goes, and what was found stays."""

NEGATIONS: Patterns = {
    "en": re.compile(
        r"\b(?:no|not|never|none|few|little|un\w+|whether|we|our|this|these|tables?|"
        r"figs?|figures?|fail\w*|lack|contrary|doubt\w*|if)\b",
        re.IGNORECASE,
    ),
    "es": re.compile(r"\b(?:no|nunca|ning\w+|pocos?|pocas?|tampoco|si)\b", re.IGNORECASE),
}
"""A frame with one of these says what was not found, or that the article found it: it stays."""

CONNECTIVES: Patterns = {
    "en": re.compile(
        r"(?:(?:however|moreover|furthermore|in addition|similarly|interestingly|indeed|thus|hence|"
        r"therefore|additionally|for (?:example|instance)|in contrast|by contrast|conversely|"
        r"recently|more recently|finally|first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth|next|last|"
        r"lastly|notably|consequently|accordingly|as a (?:result|consequence)|also|in particular|"
        r"in fact|besides|nevertheless|nonetheless|currently|importantly|surprisingly|to date|"
        r"on the (?:other|one) hand|on the contrary|specifically|generally|in general|likewise|"
        r"remarkably|overall|then|instead|meanwhile|unfortunately|in turn|that is|"
        r"more specifically|comparatively|"
        r"taken together|together|alternatively|subsequently|in brief|in summary|in short|arguably|"
        r"in this (?:regard|respect|sense|context)|of note|historically|typically|traditionally|"
        r"on average|again|still|at present|presently|accordingly|and|but|yet|clearly|of course|"
        r"in other words|in this way|more importantly|most importantly|simultaneously|later),? "
        r"|as expected, |so far, |along this line, )",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"(?:(?:sin embargo|además|asimismo|por (?:otra|otro|una|un) (?:parte|lado)|por ejemplo|"
        r"por (?:lo )?tanto|no obstante|en cambio|por el contrario|de hecho|en efecto|así|"
        r"recientemente|finalmente|por último|en primer lugar|en segundo lugar|en particular|"
        r"en concreto|en general|en consecuencia|actualmente|también|igualmente|de igual (?:modo|"
        r"forma|manera)|del mismo modo|de la misma (?:forma|manera)|en este sentido|a su vez|"
        r"por su parte|cabe destacar que|es importante (?:señalar|destacar) que|es sabido que|"
        r"en resumen|hasta la fecha|en la actualidad|incluso|es decir|curiosamente),? )",
        re.IGNORECASE,
    ),
}
CONCESSIONS: Patterns = {
    "en": re.compile(
        r"(?:although|though|while|whereas|even though|despite|in spite of|given|considering|"
        r"based on|according to|as reported by|as shown by|in line with|consistent with|"
        r"similar to|in agreement with|unlike|contrary to|as (?:reported|shown|noted|described|"
        r"suggested) (?:by|in|previously)?)\b[^,]*, ",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"(?:aunque|si bien|mientras que|a pesar de|pese a|dado que|según|de acuerdo con)\b[^,]*, ",
        re.IGNORECASE,
    ),
}
"""A first clause that only concedes or attributes; what follows it is the statement."""

TAILS: Patterns = {
    "en": re.compile(
        r";|:|,? (?:whereas|although|though|because|so that|even (?:if|though)|thereby|thus)\b|"
        r" (?:—|–|-) |"
        r", (?:which|who|where|while|but|suggesting|indicating|resulting|making|leading|including|"
        r"such as|particularly|especially|mainly|primarily|even|with|implying|showing|causing|"
        r"allowing|as well as|as|since|possibly|probably|e\.g\.|i\.e\.|for example|most|due to)\b"
    ),
    "es": re.compile(
        r";|:|,? (?:aunque|mientras que|porque|debido a|ya que|así como)\b| (?:—|–) |"
        r", (?:que|lo que|lo cual|donde|quienes?|pero|incluyendo|incluid[oa]s?|especialmente|"
        r"principalmente|sobre todo|como|con|por ejemplo|sugiriendo|indicando|aun)\b"
    ),
}
"""Where a clause begins that the statement can do without."""

DEICTIC: Patterns = {
    "en": re.compile(
        r"\b(?:we|our|ours|us|my|(?-i:I)|herein|here|aforementioned|elsewhere|former|latter|"
        r"mentioned|discussed|said|so-called|(?:above|below)(?! \d)|(?:the|their) authors|"
        r"(?:this|present|current|proposed) (?:study|work|paper|analysis|article|review|data|"
        r"results|findings|lesson|module|package|approach|method|model)|in the (?:study|paper|work|"
        r"article)|(?:in|of|for|from|by) that \w+|such (?!as\b)\w+|figs?|figures?|tables?|"
        r"equations?|appendix|supplementary|supporting information|the (?:\w+ )?patient(?:['’]s)?|"
        r"(?:eqs?|refs?|sect?s?)\.)(?!\w)|"
        r"^(?:\S+ ){0,9}(?:this|these)\b|^[^,]{0,60}\b(?:it|its|their|them|those)\b[^,]*, |"
        r"^in the (?:first|second|third|fourth|last|subsequent|same)\b|"
        r"^[^,]*, (?:it|they|its|their|he|she)\b|\b(?:the|both) (?:(?:assay|test|method|biosensor|"
        r"sensor|device|system|technique|experiment|model|sample|dataset|cohort|course|workshop|"
        r"authors?|stud(?:y|ie))s?)(?= (?:was|were|is|are|has|have|had|can|also)\b|[.,])|"
        r"^(?:it|they|its|their|he|she|his|her|another|others?|each|similar|those|that|none|"
        r"neither|same|so|then|whose|which|what|both|different|one|"
        r"(?:two|three|four|five|six|"
        r"most|some|many|all|none|several|few|half|\w+ly \w+) of (?:these|those|them|the)|"
        r"(?:two|three|four|five|six|several|some|few|all|most|many|more|a|a \w+) (?:other )?"
        r"stud(?:y|ies))\b|"
        r"^an? similar\b|"
        r"^the (?:first|second|third|same|other|next|following|remaining|above|two|three|resulting|"
        r"new|corresponding|entire|whole|original|current|previous)\b|"
        r"^the [a-z]+(?: itself)? (?:is|are|was|were|has|have|had|can|could|may|might|also|will|"
        r"would|should|contains?|includes?|consists?|provides?|uses?|used|showed|shows?)\b",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"\b(?:nuestr[oa]s?|nosotros|nos|dich[oa]s?|aquí|anteriormente|citad[oa]s?|mencionad[oa]s?|"
        r"(?:presente|actual) (?:estudio|trabajo|artículo|revisión)|hemos|\w+[aei]mos|figuras?|"
        r"tablas?|ecuaci(?:ón|ones)|fig\.|tal(?:es)?|aquell?[oa]s?)(?!\w)|"
        r"^(?:\S+ ){0,9}(?:est[aeo]s?|es[aeo]s?)\b|"
        r"^(?:su|sus|ella|ello|ellos|él|ambos|ambas|otros?|otras?|algun[oa]s|también|lo)\b",
        re.IGNORECASE,
    ),
}
"""What only the article, its figures or the sentence before it can explain."""

METHODS: Patterns = {
    "en": re.compile(
        r"\bas (?:previously |recently |originally |already |has been )?(?:described|reported|"
        r"detailed|outlined|published|explained|specified)|(?:described|reported|published) "
        r"(?:previously|elsewhere|earlier|before|in detail)|previously (?:described|published|"
        r"reported) (?:method|protocol|procedure)|"
        r"(?:following|according to|using|with|by|via) the (?:[\w-]+ ){0,3}?(?:methods?|protocols?|"
        r"procedures?|instructions|package|software|algorithm|program|toolbox)\b|manufacturer|"
        r"(?:is|are) (?:then |also |often )?(?:defined|computed|calculated|denoted|assumed|given) "
        r"(?:as|by|from|with|to|using)\b|can be (?:computed|calculated|written|expressed)\b|"
        r"(?:following|as in|like) (?:the )?(?:previous|earlier|prior)\b|it is assumed\b|"
        r"\bsoftware\b|\bversion \d|\bv\. ?\d|\bR package|"
        r"(?:was|were) (?:then |also |first |all |subsequently |further )?(?:performed|carried out|"
        r"conducted|calculated|computed|visuali[sz]ed|amplified|measured|determined|analy[sz]ed|"
        r"collected|extracted|obtained|assessed|used|undertaken|applied|added|washed|stained|"
        r"incubated|sequenced|aligned|quantified|normali[sz]ed|downloaded|generated|constructed|"
        r"implemented|fitted|selected|prepared|purified|recorded|evaluated|defined|included|"
        r"excluded|estimated|considered|administered|admitted|started|discontinued|decreased|sampled|scored|cultured|housed|maintained|purchased)\b",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"\b(?:como|según) se (?:describ|detall|indic|public)\w+|descrit[oa]s? (?:previamente|"
        r"anteriormente|con anterioridad)|siguiendo (?:el|la|los|las) (?:método|protocolo|"
        r"procedimiento|metodología|instrucciones)\w*|mediante el (?:programa|paquete|software)|"
        r"se (?:utiliz|realiz|emple|calcul|analiz|midi|recog|extraj|obtuv|seleccion)\w*(?:ó|aron|"
        r"ieron|o)\b|\bsoftware\b",
        re.IGNORECASE,
    ),
}
"""What tells how the article's own work was done."""
