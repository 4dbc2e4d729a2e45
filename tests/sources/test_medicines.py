from __future__ import annotations

import gzip
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.sources import EpiSource
from cauce.sources.medicines import (
    FURTHER_KINDS,
    KIND_OF_FIELD,
    KIND_OF_LOINC,
    KIND_OF_QRD_CODE,
    KINDS,
    PARENTS_OF_FIELD,
    kind_of_heading,
    substance_group,
)
from shared import shared_data

SAME = """
ibuprofeno = ibuprofen = IBUPROFEN LYSINE
amoxicilina = amoxicillin trihydrate = Amoxicilina trihidrato
ácido acetilsalicílico = acetylsalicylic acid = aspirin = Aspirina
metformina clorhidrato = METFORMIN HYDROCHLORIDE = hidrocloruro de metformina = metformin HCl
fenitoína sódica = phenytoin sodium = phenytoin
levotiroxina sódica = levothyroxine sodium
espironolactona = spironolactone
estreptomicina = streptomycin sulfate
bromuro de ipratropio = ipratropium bromide = ipratropio bromuro
cloruro sódico = sodium chloride = cloruro de sodio
valproato sódico = valproic acid = divalproex sodium = ácido valproico
cianocobalamina = cyanocobalamin
ciclosporina = cyclosporine
paracetamol = acetaminophen
salbutamol sulfato = albuterol sulfate
etinilestradiol = ethinyl estradiol
insulina glargina = insulin glargine = insulin glargine-yfgn
litio carbonato = lithium carbonate = carbonato de litio
sildenafilo citrato = sildenafil citrate
ácido alendrónico = alendronate sodium
trastuzumab emtansina = ado-trastuzumab emtansine
sulfato ferroso = ferrous sulfate
beclometasona dipropionato = beclomethasone dipropionate
candesartán cilexetilo = candesartan cilexetil
abacavir (como sulfato) = abacavir sulfate
macrogol 3350 = polyethylene glycol 3350
óxido de zinc = zinc oxide = cinc óxido
clopidogrel bisulfate = clopidogrel hidrogenosulfato
sulfametoxazol y trimetoprima = sulfamethoxazole and trimethoprim = cotrimoxazol
doxiciclina hiclato = doxycycline hyclate
hidroxicarbamida = hydroxyurea = hydroxycarbamide
azul de metileno = methylene blue = methylthioninium chloride
levodopa-carbidopa = carbidopa / levodopa
colecalciferol = vitamin D3 = vitamina D
"""

DIFFERENT = """
omeprazole esomeprazole
citalopram escitalopram
quinine quinidine
prednisone prednisolone
cetirizine levocetirizine
lansoprazole dexlansoprazole
ketamine esketamine
loratadine desloratadine
venlafaxine desvenlafaxine
chlorpromazine chlorpropamide
hydroxyzine hydralazine
glipizide glimepiride
ropivacaine bupivacaine
mercaptopurine tioguanine
trastuzumab trastuzumab-emtansine
aripiprazole aripiprazole-lauroxil
vitamin-A vitamin-E
"""


@pytest.mark.parametrize("line", SAME.strip().splitlines())
def test_one_spelling_over_languages_salts_and_word_order(line: str) -> None:
    groups = {name: substance_group([name]) for name in line.split(" = ")}
    assert len(set(groups.values())) == 1, groups


@pytest.mark.parametrize("line", DIFFERENT.strip().splitlines())
def test_real_distinctions_stay(line: str) -> None:
    one, other = (name.replace("-", " ") for name in line.split())
    assert substance_group([one]) != substance_group([other])


@given(st.lists(st.sampled_from(["ibuprofen", "codeine phosphate", "cafeína", "zinc"]), min_size=1))
def test_order_and_repetition_do_not_matter(names: list[str]) -> None:
    assert substance_group(names) == substance_group(sorted(set(names), reverse=True))


@given(st.text(max_size=40))
def test_any_text_gives_a_group_and_always_the_same(name: str) -> None:
    assert substance_group([name]) == substance_group([name])


def test_different_substances_of_the_real_labels_do_not_collide() -> None:
    """Labels that share a group share a UNII, or the moiety whose salts they are."""
    names: dict[str, set[frozenset[str]]] = {}
    with gzip.open(shared_data("openfda/labels-150.jsonl.gz"), "rb") as stream:
        for record in map(json.loads, stream):
            substances = record["openfda"].get("substance_name")
            if substances:
                key = frozenset(name.split()[0] for name in substances)
                names.setdefault(substance_group(substances), set()).add(key)
    assert {group for group, keys in names.items() if len(keys) > 1} == set()
    assert len(names) > 120


def test_the_groups_of_the_spanish_texts_are_distinct_and_in_the_languages_common_spelling() -> (
    None
):
    groups: dict[str, set[str]] = {}
    for document in EpiSource(path=shared_data("epi-aemps")).documents():
        groups.setdefault(document.group, set()).add(document.id.split("-")[0])
    assert groups["adalimumab"] == {"103256021", "1181286004"}
    shared = [group for group, ids in groups.items() if len(ids) > 1]
    assert shared == ["adalimumab"]
    assert substance_group(["mesalamine"]) in groups
    assert substance_group(["abacavir sulfate", "lamivudine"]) in groups


def test_every_kind_is_a_known_kind() -> None:
    known = {*KINDS, *FURTHER_KINDS, "other"}
    maps = (KIND_OF_FIELD, KIND_OF_LOINC, KIND_OF_QRD_CODE)
    assert {kind for kinds in maps for kind in kinds.values()} <= known


def test_no_field_is_its_own_ancestor() -> None:
    for field in PARENTS_OF_FIELD:
        reached, waiting = set(), [field]
        while waiting:
            parents = PARENTS_OF_FIELD.get(waiting.pop(), ())
            waiting += [parent for parent in parents if parent not in reached]
            reached.update(parents)
        assert field not in reached


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("No tome Kivexa", "contraindications"),
        ("Si toma másKivexa del quedebe", "overdose"),
        ("Embarazo, lactancia y fertilidad", "pregnancy"),
        ("Conducción y uso de máquinas:", "driving"),
        ("Toma de REZOLSTA con otros medicamentos", "interactions"),
        ("Usage in Pregnancy", "pregnancy"),
        ("Niños y adolescentes", "other"),
    ],
)
def test_headings_tell_their_kind(heading: str, kind: str) -> None:
    assert kind_of_heading(heading) == kind


def test_look_alikes_of_the_table_do_not_meet_each_other() -> None:
    firsts = [substance_group([line.split(" = ")[0]]) for line in SAME.strip().splitlines()]
    assert all(one != other for one, other in itertools.combinations(firsts, 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ferrous sulfate", "ferrous fumarate"),
        ("sulfato ferroso", "gluconato ferroso"),
        ("zinc sulfate", "zinc oxide"),
        ("mycophenolate mofetil", "mycophenolate sodium"),
    ],
)
def test_salts_and_esters_with_another_dose_are_other_medicines(one: str, other: str) -> None:
    assert substance_group([one]) != substance_group([other])


def test_a_dried_salt_of_iron_is_that_salt() -> None:
    dried = substance_group(["ferrous sulfate anhydrous"])
    assert dried == substance_group(["sulfato ferroso"]) == "iron sulfic"
