"""The words of English and Spanish that key phrases and clauses are found by."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cauce.records import Language

_ENGLISH_VERBS = """
    accelerate accompany achieve acquire activate adapt adopt affect allow alter amplify analyze
    appear apply argue arise assess assign associate assume avoid become begin belong bind bring
    calculate capture carry characterize choose circulate classify collect combine compare compete
    comprise compute conclude confer confirm conserve consider consist constitute construct consume
    contain continue contribute convert correlate create define demonstrate depend derive describe
    detect determine develop differ differentiate discover discuss display distinguish divide elicit
    eliminate emerge employ enable encode encourage enhance ensure enter establish evaluate evolve
    examine exceed exhibit exist expand explain exploit explore expose express extend facilitate
    fail find generate give grow happen hypothesize identify illustrate impair implement imply
    improve include incorporate incur indicate induce infect infer inhibit initiate integrate
    interact introduce invade investigate involve isolate know live maintain make mediate migrate
    modify modulate observe obtain occur originate overcome participate perform permit persist
    possess predict prefer prevent produce promote propose protect prove provide publish quantify
    reach receive recognize recommend recover reduce refer reflect regulate relate rely remain
    remove replace represent require resemble retain reveal seem separate serve show speculate
    stimulate suffer suggest summarize suppress survive synthesize tend transmit treat trigger
    undergo understand use utilize validate vary yield attain attend cleave concatenate implicate
    combat exert withstand precede
    lyse seek stratify accumulate adjust aggregate anticipate arrange ascertain
    bear behave break build coincide colonize commence communicate compensate complement
    complicate conceal confront confuse consent constrain cope culminate decide degrade
    deliver denote deserve destroy deteriorate devote diagnose diminish disappear
    disrupt diverge dominate enclose encounter engage enlarge enrich escape evade
    evoke exclude execute fluctuate fuse gather harbor hatch hinder imitate impose
    inactivate inherit insert inspire invest justify kill lay lengthen lie localize lose
    merge mimic minimize multiply necessitate neglect neutralize notice nourish
    outperform oviposit oxidize penetrate pose postulate preclude preserve proceed proliferate
    prolong protrude purchase pursue react recruit rescue resist resolve respond restore restrict
    rotate satisfy secrete settle shorten signify simplify solve specify stabilize
    strengthen strive succeed surround sustain tackle tolerate transform translate
    translocate underlie undermine unify upregulate verify warrant weaken worsen
""".split()  # noqa: SIM905
_ENGLISH_NOUN_VERBS = """
    benefit block cause change concern cover decline decrease design drive estimate feature focus
    form function help highlight impact increase influence lack lead limit link measure need note
    offer play present process range rank release report result rise spread support target
    test transfer account cost demand peak share return start stop
""".split()  # noqa: SIM905
_ENGLISH_PASTS = """
    arisen arose became become began begun brought carried chosen done drawn driven drove felt
    found gave given gone grew grown held kept knew known led left made meant risen rose said seen
    shown spent taken taught thought told took underwent undergone understood went written wrote
    occurred referred inferred transmitted conferred preferred occurring referring inferring
    transmitting beginning permitting stems
""".split()  # noqa: SIM905
_ENGLISH_AUXILIARIES = """
    is are was were be been being has have had do does did can could may might must shall should
    will would cannot
""".split()  # noqa: SIM905
_SPANISH_VERBS = """
    actúa actúan afecta afectan alcanza alcanzan aparece aparecen apoya apoyan aporta aportan asocia
    asocian aumenta aumentan causa causan circula circulan confiere confieren confirma confirman
    conlleva conllevan constituye constituyen contiene contienen contribuye contribuyen demuestra
    demuestran depende dependen desempeña desempeñan detecta detectan disminuye disminuyen
    evita evitan existe existen facilita facilitan favorece favorecen genera generan hay
    incluye incluyen incrementa incrementan indica indican induce inducen infecta infectan
    influye influyen inhibe inhiben mantiene mantienen mejora mejoran modifica modifican muestra
    muestran ocurre ocurren permite permiten posee poseen predice predicen presenta presentan
    previene previenen produce producen promueve promueven protege protegen provoca provocan
    puede pueden podría podrían debe deben debería deberían reduce reducen refleja reflejan regula
    regulan representa representan requiere requieren sigue siguen sugiere sugieren suele suelen
    tiene tienen tenía tenían transmite transmiten varía varían vive viven es son era eran fue
    fueron será serían está están estaba estaban ha han había habían se encuentra encuentran
    considera consideran desarrolla desarrollan utiliza utilizan emplea emplean ofrece ofrecen
    hizo hicieron tuvo tuvieron dio dieron
""".split()  # noqa: SIM905
_STOPS: dict[Language, str] = {
    "en": """
    a an the of to in on at by for with without within from into onto upon over under among amongst
    between through throughout during after before since until against about across along around
    behind beyond despite except near per toward towards via versus vs and or nor but if then than
    so because although though while whereas whether as like unlike such that which who whom whose
    what when where why how this these those it its they their them he she his her we our us i you
    there here both either neither each every all any some no not none many much more most several
    few fewer less least other others another same various different certain one ones two three
    four five six seven eight nine ten hundred thousand million first second third also only even
    still yet just too very well due up out off down again further however thus hence therefore
    moreover instead rather quite often once twice almost approximately including included using
    used based following according regarding concerning compared particular general example i.e e.g
    etc et al able unable likely unlikely little own respective recent previous new possible
    important main major available evident essential necessary clear true known unknown half
    far long high low higher lower larger greater smaller better large small good whole entire great
    multiple numerous ever never always sometimes already currently now today ago later earlier
    early late soon together apart worth mainly subsequent novel sometime itself themselves
    albeit prior specific additional overall single double total common usual similar related
    """,
    "es": """
    el la los las un una unos unas de del al a ante bajo con contra desde durante en entre hacia
    hasta mediante para por según sin sobre tras y e o u ni pero sino aunque si que cual cuales cuyo
    cuya cuyos cuyas quien quienes cuando donde como porque pues este esta estos estas esto ese esa
    esos esas eso aquel aquella aquellos aquellas su sus nuestro nuestra nuestros nuestras lo le les
    se me nos no sí más menos muy mucho mucha muchos muchas poco poca pocos pocas todo toda todos
    todas otro otra otros otras mismo misma mismos mismas cada algún alguna algunos algunas ningún
    ninguna varios varias diversos diversas ambos ambas tanto tan así también además solo sólo ya
    aún todavía siempre nunca uno dos tres cuatro cinco seis siete ocho nueve diez primer primera
    primero segundo segunda tercer mayor menor mejor peor gran grandes nuevo nueva nuevos nuevas
    principal principales posible importante importantes ser estar haber sido estado capaz capaces
    ejemplo cual partir través debido cerca alrededor actualmente
    """,
}


def _s_form(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeo":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "o")) else f"{verb}s"


def _ed_form(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeo":
        return f"{verb[:-1]}ied"
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"


def _ing_form(verb: str) -> str:
    return f"{verb[:-1]}ing" if verb.endswith("e") and verb[-2:] != "ee" else f"{verb}ing"


STOPS: dict[Language, frozenset[str]] = {
    language: frozenset(words.split()) for language, words in _STOPS.items()
}
"""Words that end a key phrase and stand in none: function words and the vaguest adjectives."""

GENERIC = frozenset(
    """
    study studies work works paper papers research result results finding findings data case cases
    roles aim aims goal goals observation observations fashion number numbers amount variety kind
    kinds type types way ways fact term terms order addition part
    parts year years month months day days time times period approach approaches method methods
    example examples role factor factors feature features area areas aspect aspects level levels
    rate rates value values effect effects group groups consequence consequences lot majority
    minority proportion percentage range set sets series purpose purposes concept field fields use
    interest evidence question questions difficulty advantage advantages problem problems sample
    samples model models analysis analyses process processes system systems set estudio estudios
    trabajo trabajos resultado resultados dato datos caso casos número cantidad variedad tipo tipos
    forma formas manera modo año años mes meses día días tiempo periodo período método métodos
    ejemplo papel factor factores característica características área áreas aspecto aspectos nivel
    niveles tasa tasas valor valores efecto efectos grupo grupos consecuencia mayoría minoría
    proporción porcentaje rango conjunto serie campo campos uso interés evidencia problema problemas
    muestra muestras modelo modelos análisis proceso procesos sistema sistemas parte partes
    """.split()  # noqa: SIM905
)
"""Nouns that tell nothing alone."""

VERBS: dict[Language, frozenset[str]] = {
    "en": frozenset(
        form for verb in _ENGLISH_VERBS for form in (verb, _s_form(verb), _ing_form(verb))
    ).union(_ENGLISH_PASTS, _ENGLISH_AUXILIARIES, map(_ing_form, _ENGLISH_NOUN_VERBS))
    - {"testing", "processing", "spreading"},
    "es": frozenset(_SPANISH_VERBS),
}
"""Forms that are verbs nearly always; participles are not among the English ones."""

NOUN_VERBS = frozenset(
    form for verb in _ENGLISH_NOUN_VERBS for form in (verb, _s_form(verb), _ed_form(verb))
)
"""English forms that are nouns behind an article and verbs behind a noun."""


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


FINITE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        rf"\b(?:{_any_of(_ENGLISH_AUXILIARIES)}|{_any_of(_ENGLISH_PASTS)}|"
        rf"{_any_of(f for it in _ENGLISH_VERBS for f in (it, _s_form(it), _ed_form(it)))}|"
        rf"{_any_of(f for it in _ENGLISH_NOUN_VERBS for f in (_s_form(it), _ed_form(it)))})\b"
    ),
    "es": re.compile(rf"\b(?:{_any_of(_SPANISH_VERBS)}|\w+(?:aron|ieron|aban|ó|ará|arán|irán))\b"),
}
"""A verb that a clause can stand on, or that may be one."""
