"""One spelling per active substance, over makers, salts, languages and word order.

The International Nonproprietary Names differ between Spanish and English by regular spelling
rules (amoxicilina / amoxicillin, fenitoína / phenytoin), so both are brought to one skeleton:
accents dropped, `ph th y` written `f t i`, doubled letters single, final vowels dropped. Names
that differ by more than spelling (paracetamol / acetaminophen) stand in a table. Rules only ever
make two spellings of one name meet; prefixes and stems that tell substances apart (es-, dex-,
levo-, -one / -olone, -ine / -idine) are kept.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import unicodedata
from collections.abc import Sequence

SYNONYMS = {
    "acetaminophen": "paracetamol",
    "adrenaline": "epinephrine",
    "adrenalina": "epinephrine",
    "albuterol": "salbutamol",
    "ascorbate": "ascorbic",
    "aspirin": "acetylsalicylic",
    "aspirina": "acetylsalicylic",
    "butilescopolamina": "butylscopolamine",
    "cotrimoxazole": "sulfamethoxazole and trimethoprim",
    "cotrimoxazol": "sulfamethoxazole and trimethoprim",
    "cinc": "zinc",
    "cyclosporine": "ciclosporin",
    "dipyrone": "metamizole",
    "divalproex": "valproic",
    "estradiol ethinyl": "ethinylestradiol",
    "ethinyl estradiol": "ethinylestradiol",
    "etinil estradiol": "ethinylestradiol",
    "frusemide": "furosemide",
    "glyburide": "glibenclamide",
    "glyceryl trinitrate": "nitroglycerin",
    "trinitrato de glicerilo": "nitroglycerin",
    "hierro": "iron",
    "ferrous": "iron",
    "ferric": "iron",
    "ferroso": "iron",
    "ferrico": "iron",
    "hyoscine": "scopolamine",
    "hioscina": "scopolamine",
    "isoprenaline": "isoproterenol",
    "isoprenalina": "isoproterenol",
    "levotiroxina": "levothyroxine",
    "lignocaine": "lidocaine",
    "litio": "lithium",
    "meperidine": "pethidine",
    "meperidina": "pethidine",
    "petidina": "pethidine",
    "mesalamine": "mesalazine",
    "noradrenaline": "norepinephrine",
    "noradrenalina": "norepinephrine",
    "polyethylene glycol": "macrogol",
    "polietilenglicol": "macrogol",
    "rifampin": "rifampicin",
    "rifampina": "rifampicin",
    "succinylcholine": "suxamethonium",
    "thioguanine": "tioguanine",
    "thyroxine": "levothyroxine",
    "torsemide": "torasemide",
    "yodo": "iodine",
}
"""Names of one substance that no spelling rule brings together; whole words, without accents."""

_SALT_WORDS = """
acetate acetato anhydrous anhidro anhidra arginine arginina aspartate benzathine benzatina
besylate besilate besilato bitartrate bitartrato bisulfate bisulfato bromide bromuro calcium
calcio calcica calcico camsylate carbonate carbonato chloride cloruro citrate citrato diacetate
dihydrate dihidrato dihydrochloride dihidrocloruro dimethyl dimetil dipotassium dipotasico
disodium disodico dipropionate dipropionato ditosylate ditosilato ethanolate etanolato esylate
fumarate fumarato furoate furoato gluconate gluconato glycol hemihydrate hemihidrato
hemifumarate hemifumarato hydrate hidrato hydrobromide hidrobromuro bromhidrato hydrochloride
hidrocloruro clorhidrato hcl hyclate hiclato hydrogen hidrogeno hydrogensulfate hidrogenosulfato
hydrogentartrate hidrogenotartrato lactate lactato lysine lisina magnesium magnesio magnesico
malate malato maleate maleato meglumine meglumina mesylate mesilate mesilato monohydrate
monohidrato monohydrochloride monosodium monosodico napsylate nitrate nitrato oxalate oxalato
pamoate pamoato phosphate fosfato potassium potasio potasica potasico propionate propionato salt
sal sesquihydrate sesquihidrato sodium sodio sodica sodico succinate succinato sulfate sulphate
sulfato sulfoxide sulfoxido tartrate tartrato tosylate tosilate tosilato trihydrate trihidrato
tromethamine trometamol trometamina natrium chlorhydrate
axetil axetilo cilexetil cilexetilo etexilate etexilato
medoxomil medoxomilo pivoxil pivoxilo proxetil proxetilo
"""
SALTS = frozenset(_SALT_WORDS.split())
"""Words for a salt, a hydrate or an ester that is cleaved at once; dropped beside another word."""

_HYDRATES = frozenset(word for word in SALTS if "hydrat" in word or "hidrat" in word) | {
    "anhydrous",
    "anhidro",
    "anhidra",
}
_SALT_TELLS = frozenset(("iron", "zinc", "cinc"))
"""Elements whose salts are other medicines, with another dose: ferrous sulfate and fumarate."""

_SALT_NAMES = {
    "sodio": "sodium",
    "sodica": "sodium",
    "sodico": "sodium",
    "potasio": "potassium",
    "potasica": "potassium",
    "potasico": "potassium",
    "calcio": "calcium",
    "calcica": "calcium",
    "calcico": "calcium",
    "magnesio": "magnesium",
    "magnesico": "magnesium",
}
_CONNECTING_WORDS = "as como de del el en en la las los of the tipo type usp inn"
_CONNECTING = frozenset(_CONNECTING_WORDS.split())
_ACID = frozenset(("acid", "acido"))
_MIXTURE = re.compile(
    r"\s*(?:[,;+/]|(?<=[a-z]{7})-(?=[a-z]{7})|\band\b|\by\b|\be\b(?=\s+i)|\bwith\b|\bcon\b)\s*"
)
_BIOLOGIC_PREFIX = re.compile(r"\b(?:ado|fam|ziv)-(?=[a-z]{5})")
_BIOLOGIC_SUFFIX = re.compile(r"(?<=[a-z]{4})-(?!acid\b)[a-z]{4}\b")
_AMOUNT = re.compile(r"\b\d+(?:[.,]\d+)*\s*(?:mg|g|mcg|ug|ml|%|ui|iu|units?|unidades)?(?![\w-])")
_SYNONYM = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, SYNONYMS), key=len, reverse=True)) + r")\b"
)
_SPELLING = [
    (re.compile(pattern), written)
    for pattern, written in (
        (r"^es(?=[ptc])", "s"),
        ("ph", "f"),
        ("(?<=[tr])h", ""),
        ("ch", "c"),
        ("y", "i"),
        ("ae|oe", "e"),
        ("ou", "u"),
        (r"([a-z])\1", r"\1"),
        ("uro$", "id"),
        (r"(?<=i)um$", ""),
        ("[aeo]+$", ""),
        (r"(?<=[a-z]{4})at$", "ic"),
    )
]


def substance_group(substances: Sequence[str]) -> str:
    """The same words for the same set of active substances, however they are spelled.

    >>> substance_group(["IBUPROFENO"]) == substance_group(["Ibuprofen lysine"])
    True
    >>> substance_group(["amoxicillin trihydrate", "clavulanate potassium"])
    'amoxicilin+clavulanic'
    >>> substance_group(["Ácido clavulánico y amoxicilina"])
    'amoxicilin+clavulanic'
    >>> substance_group(["omeprazole"]) == substance_group(["esomeprazole"])
    False
    """
    parts = {
        group
        for name in substances
        for part in _MIXTURE.split(_plain(name))
        if (group := _one_substance(part))
    }
    return "+".join(sorted(parts))


def _plain(name: str) -> str:
    """Lower case without accents, amounts, remarks in parentheses, and with synonyms replaced."""
    decomposed = unicodedata.normalize("NFKD", name.lower())
    text = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("·", " ")
    outside = re.sub(r"\([^)]*\)", " ", text)
    text = outside if outside.strip(" .,") else text.strip("() ")
    text = _BIOLOGIC_SUFFIX.sub("", _BIOLOGIC_PREFIX.sub("", text))
    text = _AMOUNT.sub(" ", text)
    return _SYNONYM.sub(lambda found: SYNONYMS[found.group()], text)


@functools.cache
def known_medicines() -> tuple[tuple[str, ...], ...]:
    """The names of each medicine in `data/medicine-names.txt`, the English international first."""
    text = (importlib.resources.files("cauce") / "data/medicine-names.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(tuple(name.strip() for name in line.split(";") if name.strip()) for line in lines)


@functools.cache
def _first_names() -> dict[str, str]:
    """Skeletons of a substance's other names, each with that of its international one."""
    skeletons = [[_skeletons(_plain(name)) for name in names] for names in known_medicines()]
    taken = {names[0] for names in skeletons}
    return {name: names[0] for names in skeletons for name in names[1:] if name not in taken}


def _one_substance(name: str) -> str:
    skeletons = _skeletons(name)
    return _first_names().get(skeletons, skeletons)


def _skeletons(name: str) -> str:
    words = [word for word in re.findall(r"[a-z0-9-]+", name) if word not in _CONNECTING]
    dropped = _HYDRATES if _SALT_TELLS & {*words} else SALTS
    essential = [word for word in words if word not in dropped and word not in _ACID]
    return " ".join(sorted({skeleton(word) for word in essential or words} - {""}))


def skeleton(word: str) -> str:
    """What the spellings of one word of an international name share, in both languages.

    >>> skeleton("fenitoina") == skeleton("phenytoin")
    True
    """
    if len(word) < 3:
        return word
    word = _SALT_NAMES.get(word, word)
    for pattern, written in _SPELLING:
        word = pattern.sub(written, word)
    return word.strip("-")
