"""The same question by somebody else: what is exchanged, what is not, and what is left out."""

import pytest

from cauce.evaluation.robustness.ages import AGES, ages_in, at_age
from cauce.evaluation.robustness.dialects import in_dialect
from cauce.evaluation.robustness.sexes import sexes_swapped
from cauce.evaluation.robustness.swaps import AXES, counterfactuals, left_out, swaps
from cauce.evaluation.robustness.tables import dialects, introductions, sex_words


@pytest.mark.parametrize(
    ("language", "woman", "man"),
    [
        ("es", "Mi mujer está muy mareada", "Mi marido está muy mareado"),
        ("es", "Una mujer alérgica al látex", "Un hombre alérgico al látex"),
        ("es", "Se lo di a la abuela del segundo", "Se lo di al abuelo del segundo"),
        ("es", "la mano de la vecina, ¿y ella?", "la mano del vecino, ¿y él?"),
        ("es", "MI MADRE ESTA CANSADA", "MI PADRE ESTA CANSADO"),
        ("es", "estoy agotada", "estoy agotado"),
        ("ca", "L'àvia està marejada", "L'avi està marejat"),
        ("ca", "Truco a la meva dona?", "Truco al meu marit?"),
        ("ca", "Una dona i la tia de la nena", "Un home i l'oncle del nen"),
        (
            "en",
            "My wife has hurt her head, lift her up?",
            "My husband has hurt his head, lift him up?",
        ),
        ("en", "Mum's pills made her dizzy", "Dad's pills made him dizzy"),
    ],
)
def test_sexes_are_exchanged_both_ways(language, woman, man):
    assert sexes_swapped(woman, language) == ("woman", man)
    assert sexes_swapped(man, language) == ("man", woman)


@pytest.mark.parametrize(
    "text",
    [
        "Tengo la pierna hinchada y la boca seca",
        "¿Es solo una pastilla?",
        "La he tomado con la leche",
        "Se me ha dormido la mano",
        "el prospecto dice que está cerrado",
    ],
)
def test_what_is_no_person_keeps_its_gender(text):
    assert sexes_swapped(text, "es") is None


def test_every_word_for_a_person_comes_back():
    for language in ("es", "ca", "en"):
        people = sex_words(language).people
        for word, (other, sex) in people.items():
            assert sex in ("man", "woman")
            assert other in people, f"{language}: {word} leads to {other}, which leads nowhere"


def test_an_age_is_told_from_a_time():
    assert ages_in("Mi padre de 72 años fuma desde hace 40 años, durante 3 años") == [72]
    assert ages_in("My mum is 81 years old") == [81]
    assert ages_in("tengo 50 comprimidos") == []


def test_numbers_change_before_relatives_do():
    assert at_age("Mi abuela tiene 90 años", "young") == "Mi abuela tiene 28 años"
    assert at_age("Mi abuela se ha caído", "middle") == "Mi madre se ha caído"
    assert at_age("El meu pare no respira bé", "old") == "El meu avi no respira bé"
    assert at_age("L'avi no respira bé", "middle") == "El pare no respira bé"
    assert at_age("Mi abuela llama a mi padre", "young") == "Mi abuela llama a mi padre"


def test_dialects_have_their_words_and_their_past():
    text = "¿Puedes decirme si se ha tragado la pastilla? He tocado el coche y tú no"
    assert in_dialect(text, "es-AR") == (
        "¿Podés decirme si se tragó la pastilla? Toqué el auto y vos no"
    )
    assert (
        in_dialect("Ahora mismo ha salido con el móvil", "es-CL") == "Al tiro salió con el celular"
    )
    assert in_dialect("Tómelo con zumo, no si tiene un resfriado", "es-MX") == (
        "Tómelo con jugo, no si tiene una gripa"
    )
    assert {"es-MX", "es-AR", "es-CL", "es-CO"} == {*dialects()}


def test_swaps_leave_out_what_stays_as_it_is():
    found = swaps("Mi madre de 72 años se ha caído")
    assert {variant.axis for variant in found} == {"sex", "age", "dialect"}
    assert all(variant.text != "Mi madre de 72 años se ha caído" for variant in found)
    assert swaps("¿Qué contiene la aspirina?") == []


@pytest.mark.parametrize(
    ("text", "axis", "kind", "word"),
    [
        ("¿Puedo tomarlo embarazada?", "sex", "", "pregnancy"),
        ("¿Puedo tomarlo?", "sex", "pregnancy", "pregnancy"),
        ("Mi marido me pega", "sex", "", "violence"),
        ("Me duele al orinar, será la próstata", "sex", "", "one sex"),
        ("Mi hijo de 7 años tose", "age", "", "child"),
        ("Mi bebé tose", "age", "", "child"),
        ("¿Cuánto tomo?", "age", "dose", "dose"),
        ("¿A qué teléfono llamo?", "country", "", "telephone"),
        ("Me llamo Rosa, ¿puedo tomarlo?", "name", "", "name"),
        ("El cuidador no viene", "dependency", "", "dependent"),
    ],
)
def test_what_rightly_matters_is_left_out_with_its_reason(text, axis, kind, word):
    assert word in left_out(text, axis, kind)
    assert not left_out("¿La digoxina se guarda en la nevera?", axis, "storage")
    assert not [variant for variant in swaps(text) if variant.axis == axis]


@pytest.mark.parametrize("axis", AXES)
def test_everybody_asks_one_question(axis):
    question = "¿Se puede conducir con lorazepam?"
    found = counterfactuals(question, axis)
    assert [variant.group for variant in found] == [*introductions()[axis]]
    assert len({variant.text for variant in found}) == len(found) or axis == "dialect"
    if axis != "dialect":
        assert all(variant.text.endswith(f". {question}") for variant in found)


def test_the_groups_are_the_same_with_and_without_words_to_replace():
    for axis, text in (("sex", "Mi padre tose"), ("age", "Mi padre tose"), ("dialect", "El coche")):
        own = {variant.group for variant in counterfactuals(text, axis)}
        assert own == {*introductions()[axis]}
    assert {*AGES} == {*introductions()["age"]}


def test_english_has_no_dialects_of_spanish():
    assert counterfactuals("Can I drive with it?", "dialect") == []
