"""CIMA against a server on loopback that gives the shapes of the live one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cauce.errors import DataRefused, RecipeError, SourceUnavailable, UserError
from cauce.records import Document, Refusal
from cauce.sources import CimaSource, fetch
from cauce.sources import cima as cima_source
from cauce.sources.cima_client import CimaClient
from cauce.sources.cima_record import RegistryChange, brand_of, date_of
from cauce.testing import check_source
from sources.cima_server import FakeCima, part


@pytest.fixture
def cima(served: Callable[[HTTPServer], None]) -> FakeCima:
    server = FakeCima()
    served(server)
    return server


@pytest.fixture(autouse=True)
def _without_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cima_source, "CimaClient", partial(CimaClient, pause_s=0))


def source(server: FakeCima, **options: Any) -> CimaSource:
    return CimaSource(url=server.url, **options)


def client(server: FakeCima, folder: Path | None = None, **options: Any) -> CimaClient:
    return CimaClient(server.url, folder, pause_s=0, **options)


def texts(server: FakeCima, **options: Any) -> dict[str, Document]:
    found = list(source(server, **options).documents())
    assert all(isinstance(item, Document) for item in found), found
    return {item.id: item for item in found if isinstance(item, Document)}


def refusals(server: FakeCima, **options: Any) -> list[Refusal]:
    return [i for i in source(server, **options).documents() if isinstance(i, Refusal)]


def test_a_medicine_gives_its_two_texts(cima: FakeCima) -> None:
    cima.add("07400013")
    professional, leaflet = texts(cima).values()
    assert (professional.id, leaflet.id) == ("07400013-ft", "07400013-p")
    assert (professional.source, professional.language) == ("cima", "es")
    assert (professional.version, professional.effective) == ("2021-08-06", "2021-08-06")
    assert professional.title.endswith("EFG (ficha técnica)")
    assert professional.url == "https://cima.example/cima/dochtml/ft/07400013"
    assert professional.group == leaflet.group == "acetilsalicilic+enalapril"


def test_sections_are_told_apart_by_their_number(cima: FakeCima) -> None:
    cima.add("1")
    document = texts(cima)["1-ft"]
    kinds = {section.id: section.kind for section in document.sections}
    assert kinds == {
        "1": "other",
        "4": "other",
        "4.1": "use",
        "4.2": "dose",
        "4.2.1": "dose",
        "4.5": "interactions",
        "4.7": "driving",
        "registro": "other",
    }
    assert document.section("4.2").text == "Un comprimido al día si CLcr <30 ml/min."
    assert document.section("4.2").title == "4.2. Posología"
    assert document.section("4.2.1").parent == "4.2"
    assert document.section("4.5").text == "Litio.\nPotasio."


def test_raised_digits_do_not_join_the_number_before_them(cima: FakeCima) -> None:
    cima.add("1")
    markup = "<p>Si hay &lt;0,5 x 10<sup>9</sup>/l o 3 <sup>a</sup> m<sup>2</sup>.</p>"
    cima.texts["1", "1"] = [part("4.2", "Posología", markup)]
    assert texts(cima)["1-ft"].section("4.2").text == "Si hay <0,5 x 10^9/l o 3 a m2."


def test_tables_are_kept_cell_by_cell(cima: FakeCima) -> None:
    cima.add("1")
    section = texts(cima)["1-ft"].section("4.2.1")
    assert section.tables[0].rows == (("CLcr", "Dosis"), ("30-60", "5 mg"))
    assert section.text == "CLcr | Dosis\n30-60 | 5 mg"


def test_bold_headings_of_a_leaflet_open_sections(cima: FakeCima) -> None:
    cima.add("1")
    leaflet = texts(cima)["1-p"]
    driving = leaflet.section("2.1")
    assert (driving.kind, driving.parent, driving.text) == ("driving", "2", "Puede marearse.")
    assert leaflet.section("2").text == "Avise a su médico."


def test_names_and_codes(cima: FakeCima) -> None:
    cima.add("1")
    names = texts(cima)["1-p"].names
    assert names.brands == ("NORTEPRIL COMBI",)
    assert names.substances == ("enalapril", "ácido acetilsalicílico")
    assert names.generics == (
        "enalapril + ácido acetilsalicílico",
        "ENALAPRIL MALEATO + ACETILSALICILICO ACIDO",
    )
    assert names.makers == ("Laboratorios Norte, S.L.", "Norte Farma")
    assert names.codes == {"nregistro": ("1",), "cn": ("700001", "700002"), "atc": ("C09BA02",)}


def test_names_of_one_substance_are_those_of_the_record_and_of_its_description(
    cima: FakeCima,
) -> None:
    ingredients = [{"nombre": "ENALAPRIL MALEATO", "orden": 1}]
    cima.add("1", principiosActivos=ingredients, vtm={"nombre": "enalapril"})
    cima.add("2", principiosActivos=ingredients, vtm=None)
    cima.add("3", principiosActivos=None, pactivos="ENALAPRIL", vtm=None)
    found = texts(cima)
    names = [found[f"{number}-p"].names for number in "123"]
    assert [name.substances for name in names] == [
        ("enalapril",),
        ("ENALAPRIL MALEATO",),
        ("ENALAPRIL",),
    ]
    assert names[0].generics == ("enalapril", "ENALAPRIL MALEATO")
    assert {document.group for document in found.values()} == {"enalapril"}


@pytest.mark.parametrize(
    ("name", "brand"),
    [
        ("PARACETAMOL NORTE 1 g COMPRIMIDOS EFG", "PARACETAMOL NORTE"),
        ("A.A.S. 100 mg COMPRIMIDOS", "A.A.S."),
        ("SULFATO DE MAGNESIO NORTE SOLUCION INYECTABLE", "SULFATO DE MAGNESIO NORTE"),
        ("CREMA DEL NORTE", "CREMA DEL NORTE"),
        ("GELONORTE", "GELONORTE"),
    ],
)
def test_brands_are_names_without_strength_and_form(name: str, brand: str) -> None:
    assert brand_of(name) == brand


def test_the_record_is_told_as_facts_only(cima: FakeCima) -> None:
    cima.add("1", estado={"aut": 1185832800000, "susp": DATE_OF_1973}, conduc=True)
    facts = texts(cima)["1-ft"].section("registro").text.splitlines()
    assert "Autorizado el: 2007-07-31." in facts
    assert "Suspendido el: 1973-06-01." in facts
    assert "Puede afectar a la conducción, según el registro: sí." in facts
    assert not any(line.startswith("Biosimilar") for line in facts)


DATE_OF_1973 = 107737200000


def test_supply_problems_and_safety_notes_stand_beside_the_text(cima: FakeCima) -> None:
    short = {"cn": "700002", "nombre": "500 comprimidos", "comerc": True, "psum": True}
    cima.add("1", notas=True, psum=True, presentaciones=[short])
    cima.bodies["psuministro/v2/cn/700002"] = {**PROBLEM, "cn": "700002"}
    cima.bodies["notas/1"] = [NOTE]
    both = texts(cima)
    supply, note = both["1-ft"].section("psum"), both["1-ft"].section("notas")
    assert (supply.kind, note.kind) == ("other", "warnings")
    assert "CN 700002" in supply.text and "desde 2007-07-31" in supply.text
    assert note.text.startswith("2021-08-06 · Riesgo de angioedema (MUH 3 2021-03)")
    assert "psum" not in {section.id for section in both["1-p"].sections}


PROBLEM = {
    "cn": "700001",
    "nombre": "Nortepril, 28 comprimidos",
    "tipoProblemaSuministro": 4,
    "fini": 1185832800000,
    "ffin": 1628287030000,
    "activo": True,
    "observ": "Hay otros medicamentos con el mismo principio activo.",
}
NOTE = {
    "tipo": 1,
    "num": "MUH 3",
    "ref": "2021-03",
    "asunto": "Riesgo de angioedema",
    "fecha": 1628287030000,
    "url": "https://cima.example/nota",
}


def test_the_source_conforms(cima: FakeCima) -> None:
    for number in ("1", "2", "3"):
        cima.add(number)
    check_source(source(cima))
    assert {agent.split("/")[0] for agent in cima.agents} == {"cauce"}


def test_search_follows_every_page_and_gives_each_medicine_once(cima: FakeCima) -> None:
    for number in ("1", "2", "3", "4", "5"):
        cima.add(number)
    with client(cima) as asked:
        assert [row["nregistro"] for row in asked.search(nombre="norte")] == list("12345")
    assert "nombre=norte&pagina=3" in cima.requests[-1]


def test_conditions_and_limit_reach_the_server(cima: FakeCima) -> None:
    for number in ("1", "2", "3"):
        cima.add(number)
    search = {"practiv1": "enalapril", "comerc": True}
    assert len(texts(cima, search=search, limit=1)) == 2
    assert "practiv1=enalapril&comerc=1&pagina=1" in cima.requests[0]
    assert cima.asked("medicamento?") == 1


def test_codes_are_asked_for_without_a_search(cima: FakeCima) -> None:
    cima.add("07400013")
    assert set(texts(cima, search={"nregistro": "07400013"})) == {"07400013-ft", "07400013-p"}
    assert set(texts(cima, search={"cn": ["700002"]})) == {"07400013-ft", "07400013-p"}
    assert cima.asked("medicamentos") == 0


def test_codes_read_as_numbers_are_refused() -> None:
    from cauce.recipe import parse_source

    with pytest.raises(RecipeError, match=r"search\.nregistro: a code was read as a number"):
        parse_source("cima", ["search.nregistro=07400013"])


def test_codes_and_conditions_exclude_each_other() -> None:
    from cauce.recipe import parse_source

    with pytest.raises(RecipeError, match="leave out practiv1, comerc"):
        options = ["search.nregistro='1'", "search.practiv1=enalapril", "search.comerc=true"]
        parse_source("cima", options)


def test_another_medicine_than_the_one_asked_for_is_refused(cima: FakeCima) -> None:
    cima.add("1")
    cima.records["2"] = cima.records["1"]
    (refusal,) = refusals(cima, search={"nregistro": "2"})
    assert "the record of 1" in refusal.reason


def test_supply_of_a_presentation_falls_back_to_the_first_version(cima: FakeCima) -> None:
    cima.bodies["psuministro/700001"] = [PROBLEM]
    with client(cima) as asked:
        (problem,) = asked.supply_problems(cn="700001")
        assert (problem.starts, problem.ends, problem.active) == ("2007-07-31", "2021-08-06", True)
        assert asked.supply_problems(cn="700009") == []
    assert "cn=" not in "".join(cima.requests)


def test_supply_of_a_medicine_is_that_of_its_presentations(cima: FakeCima) -> None:
    cima.add("1")
    cima.bodies["psuministro/v2/cn/700001"] = {"cn": "700001", "observ": "Sin problemas"}
    cima.bodies["psuministro/v2/cn/700002"] = {**PROBLEM, "cn": "700002"}
    with client(cima) as asked:
        assert [problem.cn for problem in asked.supply_problems(nregistro="1")] == ["700002"]


def test_notes_come_newest_first(cima: FakeCima) -> None:
    cima.bodies["notas/1"] = [{**NOTE, "num": "a", "fecha": 1185832800000}, {**NOTE, "num": "b"}]
    with client(cima) as asked:
        assert [note.number for note in asked.safety_notes("1")] == ["b", "a"]
        assert asked.safety_notes("2") == []


def test_changes_since_a_day(cima: FakeCima) -> None:
    rows = [
        {"nregistro": "2", "fecha": 1628287030000, "tipoCambio": 2, "cambios": ["estado"]},
        {"nregistro": "1", "fecha": 1185832800000, "tipoCambio": 3, "cambio": ["ft", "prosp"]},
    ]
    cima.bodies["registroCambios"] = {"totalFilas": 2, "pagina": 1, "resultados": rows}
    with client(cima) as asked:
        found = asked.changes(datetime.date(2021, 7, 1), nregistro="1")
    assert found == [
        RegistryChange(nregistro="1", date="2007-07-31", kind="changed", what=("ft", "prosp")),
        RegistryChange(nregistro="2", date="2021-08-06", kind="withdrawn", what=("estado",)),
    ]
    assert "fecha=01%2F07%2F2021" in cima.requests[0] or "fecha=01/07/2021" in cima.requests[0]


def test_texts_that_cannot_be_used_are_refused_one_by_one(cima: FakeCima) -> None:
    for number in ("1", "2", "3", "4", "5"):
        cima.add(number)
    del cima.texts["1", "1"]
    cima.texts["1", "2"] = []
    cima.texts["1", "3"] = b'[{"seccion": "1", "titulo"'
    cima.texts["1", "4"] = '[{"seccion": "1", "contenido": "día"}]'.encode("latin-1")
    cima.texts["1", "5"] = [{"seccion": "4.2", "orden": 1}]
    found = list(source(cima).documents())
    reasons = {item.position: item.reason for item in found if isinstance(item, Refusal)}
    assert len(reasons) == 5 and len(found) == 10
    assert "not segmented" in reasons["nregistro 1, ficha técnica"]
    assert "no section holds text" in reasons["nregistro 2, ficha técnica"]
    assert "Expecting" in reasons["nregistro 3, ficha técnica"]
    assert "not UTF-8 at byte 33" in reasons["nregistro 4, ficha técnica"]
    assert "neither title nor content" in reasons["nregistro 5, ficha técnica"]


def test_a_missing_section_leaves_the_others(cima: FakeCima) -> None:
    cima.add("1")
    cima.texts["1", "1"] = [part("4.3", "Contraindicaciones", "<p>Embarazo.</p>")]
    assert [s.id for s in texts(cima)["1-ft"].sections] == ["4.3", "registro"]


def test_sections_without_a_number_are_kept(cima: FakeCima) -> None:
    cima.add("1")
    odd = part("ANEXO", "Conservación", "<p>En la nevera.</p>")
    cima.texts["1", "1"] = [part("4.2", "Posología", "<p>Uno.</p>"), odd, odd]
    sections = texts(cima)["1-ft"].sections
    assert [(s.id, s.kind) for s in sections[:-1]] == [
        ("4.2", "dose"),
        ("0.1", "storage"),
        ("0.2", "storage"),
    ]
    assert sections[1].title == "Conservación"


def test_unknown_medicines_and_those_without_texts_are_refused(cima: FakeCima) -> None:
    cima.add("1", docs=[{"tipo": 3, "url": "https://cima.example/ipe.pdf", "secc": False}])
    told = [item.reason for item in refusals(cima, search={"nregistro": ["1", "2"]})]
    assert told == ["neither ficha técnica nor prospecto", "CIMA knows no such medicine"]


def test_an_answer_that_breaks_off_is_asked_for_once_more(cima: FakeCima) -> None:
    cima.bodies["notas/1"] = b'[{"num": '
    with client(cima) as asked, pytest.raises(DataRefused, match=r"notas/1 .*\n.*Ask again"):
        asked.safety_notes("1")
    assert cima.asked("notas/1") == 2


def test_rows_that_stop_short_are_no_search_result(cima: FakeCima) -> None:
    cima.bodies["medicamentos"] = {"totalFilas": 9, "resultados": []}
    with client(cima) as asked, pytest.raises(DataRefused, match="0 of 9 rows"):
        list(asked.search(nombre="norte"))


def test_busy_servers_are_asked_again_when_they_say(cima: FakeCima, waits: list[float]) -> None:
    cima.add("1")
    cima.failures = [(429, {"Retry-After": "7"}), (503, {})]
    assert len(texts(cima)) == 2
    assert [wait for wait in waits if wait] == [7.0, 14.0]


def test_a_server_that_stays_down_ends_the_fetch(cima: FakeCima, waits: list[float]) -> None:
    cima.failures = [(503, {})] * 6
    with pytest.raises(SourceUnavailable, match=r"6 attempts \(last: HTTP 503\)"):
        texts(cima)


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [(400, {}, "HTTP 400"), (302, {"Location": "https://elsewhere/"}, "moved to")],
)
def test_refused_requests_say_what_to_correct(
    cima: FakeCima, status: int, headers: dict[str, str], told: str
) -> None:
    cima.failures = [(status, headers)]
    with pytest.raises(UserError, match=told):
        texts(cima)


def test_nothing_found_is_no_error(cima: FakeCima) -> None:
    assert texts(cima) == {}
    cima.failures = [(404, {})]
    assert texts(cima) == {}


def test_requests_are_parted_by_a_pause(cima: FakeCima, waits: list[float]) -> None:
    with CimaClient(cima.url, pause_s=30.0) as asked:
        asked.safety_notes("1")
        asked.safety_notes("2")
    assert waits[0] == 0.0 and 29.0 < waits[1] <= 30.0


def test_a_killed_fetch_asks_only_for_the_rest(cima: FakeCima, tmp_path: Path) -> None:
    for number in ("1", "2", "3"):
        cima.add(number)
    seen = list(zip(range(3), source(cima).documents(tmp_path), strict=False))
    before = len(cima.requests)
    assert len(seen) == 3
    whole = list(source(cima).documents(tmp_path))
    assert len(whole) == 6
    assert len(cima.requests) == len(set(cima.requests)) == before + 5


def test_old_answers_are_confirmed_by_their_tag(cima: FakeCima, tmp_path: Path) -> None:
    cima.etag = '"v1"'
    cima.bodies["notas/1"] = [NOTE]
    with client(cima, tmp_path, max_age_days=0) as asked:
        first = asked.safety_notes("1")
    cima.bodies["notas/1"] = b"not JSON"
    with client(cima, tmp_path, max_age_days=0) as asked:
        assert asked.safety_notes("1") == first
    assert cima.asked("notas/1") == 2
    with client(cima, tmp_path) as asked:
        assert asked.safety_notes("1") == first
    assert cima.asked("notas/1") == 2


def test_damaged_answers_on_disk_are_asked_for_again(cima: FakeCima, tmp_path: Path) -> None:
    cima.bodies["notas/1"] = [NOTE]
    with client(cima, tmp_path) as asked:
        first = asked.safety_notes("1")
        for file in tmp_path.iterdir():
            file.write_bytes(file.read_bytes()[:20])
        assert asked.safety_notes("1") == first
    assert cima.asked("notas/1") == 2


def test_fetch_writes_what_the_source_gives(cima: FakeCima, tmp_path: Path) -> None:
    cima.add("1")
    summary = fetch([source(cima)], tmp_path, lambda line: None)
    assert (summary["documents"], summary["refused"]) == (2, 0)
    assert summary["by_source"] == {"cima": 2}


def test_a_fetch_that_broke_off_goes_on_where_it_was(
    cima: FakeCima, tmp_path: Path, waits: list[float]
) -> None:
    for number in ("1", "2"):
        cima.add(number)
    wanted = source(cima, search={"nregistro": ["1", "2"]})
    cima.down_after = 3
    with pytest.raises(SourceUnavailable, match="what was already received is kept"):
        fetch([wanted], tmp_path, lambda line: None)
    cima.down_after, before = None, len(cima.requests)
    assert fetch([wanted], tmp_path, lambda line: None)["documents"] == 4
    assert len(cima.requests) == before + 3


def test_versions_fetched_before_are_kept_as_history(
    cima: FakeCima, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_of_old = partial(CimaClient, pause_s=0, max_age_days=0)
    monkeypatch.setattr(cima_source, "CimaClient", client_of_old)
    wanted = source(cima, cache=tmp_path / "kept")
    cima.add("1")
    fetch([wanted], tmp_path / "out", lambda line: None)
    newer = [{**row, "fecha": row["fecha"] + 86_400_000} for row in cima.records["1"]["docs"]]
    cima.add("1", docs=newer)
    cima.texts["1", "1"] = [part("4.3", "Contraindicaciones", "<p>Embarazo.</p>")]
    summary = fetch([wanted], tmp_path / "out", lambda line: None)
    assert (summary["documents"], summary["history"], summary["refused"]) == (2, 2, 0)
    assert fetch([wanted], tmp_path / "out", lambda line: None)["history"] == 2


def test_a_registration_number_that_is_a_path_is_refused(cima: FakeCima) -> None:
    cima.add("1")
    cima.records["1"]["nregistro"] = "../1"
    (refusal,) = refusals(cima, search={"cn": "700001"})
    assert "no record with a nregistro" in refusal.reason


@pytest.mark.parametrize("value", ["hoy", 10**30, True, None])
def test_what_is_no_date_is_left_empty(value: object) -> None:
    assert date_of(value) == ""
