"""A catalogue finds works by what a reference says, keeps versions together and confirmed rows."""

from pathlib import Path

from cauce.knowledge.works.catalogue import Catalogue
from cauce.records import Reference
from cauce.sources.registries.work import Work

RIVERS = Reference(
    id="10.5555/rivers",
    doi="10.5555/rivers",
    title="Slow rivers carry fine sediment to the delta",
    authors=("Otero, Marta",),
    year="2015",
    container="Journal of Invented Rivers",
    volume="12",
    pages="45-67",
)


def work(doi: str = "10.5555/rivers", **changes: object) -> Work:
    """A work like RIVERS, with other fields, versions or flags."""
    own = {
        name: changes.pop(name) for name in ("versions", "retracts", "retracted") if name in changes
    }
    reference = RIVERS.model_copy(update={"id": doi, "doi": doi, **changes})
    return Work(reference=reference, source="test", **own)  # type: ignore[arg-type]


def found(catalogue: Catalogue, **fields: object) -> list[str]:
    """DOIs of the candidates for a reference."""
    cited = Reference(id="B1", **fields)  # type: ignore[arg-type]
    return [entry.work.doi for entry in catalogue.candidates(cited)]


def filled() -> Catalogue:
    """RIVERS among works that share its words, its journal or its numbers."""
    catalogue = Catalogue()
    others = [
        work(
            f"10.5555/{n}", title=f"Rivers and sediment {n}", volume=str(n), pages="5", year="1990"
        )
        for n in range(40)
    ]
    catalogue.add([*others, work()])
    return catalogue


def test_a_work_is_found_by_title_numbers_or_author():
    catalogue = filled()
    assert found(catalogue, title="Slow rivers carry fine sediments")[0] == "10.5555/rivers"
    assert found(catalogue, volume="12", pages="45")[0] == "10.5555/rivers"
    assert found(catalogue, authors=("Otero M",), year="2015") == ["10.5555/rivers"]
    assert found(catalogue, raw="M. Otero, J. Inv. Riv. 12, 45 (2015)")[0] == "10.5555/rivers"
    assert found(catalogue, raw="Unheard of things") == []


def test_at_most_so_many_candidates():
    assert len(filled().candidates(Reference(id="B1", title="River sediment"), most=3)) == 3


def test_the_file_is_read_again(tmp_path: Path):
    with Catalogue(tmp_path / "works.sqlite") as catalogue:
        assert catalogue.add([work(), work("10.5555/b", title="Another")]) == 2
    with Catalogue(tmp_path / "works.sqlite") as catalogue:
        assert next(catalogue.entries()).work == work()
        assert len(catalogue) == 2
        assert catalogue.entry("10.5555/none") is None


def test_a_confirmed_work_is_never_changed():
    catalogue = Catalogue()
    catalogue.add([work(title="Slow rivers")])
    assert catalogue.add([work()], confirmed=True) == 0
    catalogue.add([work(title="Fast rivers", pages="1")])
    entry = catalogue.entry("10.5555/rivers")
    assert entry is not None
    assert entry.confirmed
    assert entry.work == work()
    assert found(catalogue, volume="12", pages="1") == []
    assert found(catalogue, title="fast") == []


def test_a_retraction_is_kept_whichever_comes_first():
    notice = work("10.5555/notice", title="Retraction", retracts=("10.5555/rivers",))
    for order in ([notice, work()], [work(), notice]):
        catalogue = Catalogue()
        catalogue.add(order, confirmed=True)
        entry = catalogue.entry("10.5555/rivers")
        assert entry is not None
        assert entry.work.retracted


def sets_of(*works: Work) -> list[set[str]]:
    """The sets of versions among some works, whatever their order."""
    results = []
    for order in (works, works[::-1]):
        catalogue = Catalogue()
        catalogue.add(order)
        sets: dict[str, set[str]] = {}
        for entry in catalogue.entries():
            sets.setdefault(entry.same, set()).add(entry.work.doi)
        results.append(sorted(sets.values(), key=sorted))
    assert results[0] == results[1]
    return results[0]


def test_versions_are_one_set():
    preprint = work("10.5555/pre", container="bioRxiv", volume="", pages="", year="2014")
    twice = work("10.5555/twice")
    named = work("10.5555/named", title="Ríos lentos", versions=("10.5555/pre",))
    assert sets_of(work(), preprint, twice, named) == [
        {"10.5555/rivers", "10.5555/pre", "10.5555/twice", "10.5555/named"}
    ]


def test_other_works_with_the_same_title_are_not():
    later = work("10.5555/later", year="2019", volume="16")
    part = work("10.5555/part", pages="68-90")
    other = work("10.5555/other", authors=("Lago, Eva",), container="Annals")
    short = [work(f"10.5555/{n}", title="Editorial", container=str(n)) for n in range(2)]
    assert len(sets_of(work(), later, part, other, *short)) == 6
