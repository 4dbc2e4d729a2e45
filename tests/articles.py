"""Articles written for the tests: each says two things and cites a work for each."""

from __future__ import annotations

from pathlib import Path

SAID = (
    "Regular walking lowers blood pressure in older adults with hypertension",
    "Low salt diets reduce the risk of stroke in people with kidney disease",
    "Falls at night are more frequent among residents who take sleeping pills",
    "Handrails in corridors prevent falls in nursing homes with narrow rooms",
    "Coastal wind farms change the migration routes of large sea birds",
    "Offshore turbines attract mussels and small crabs to their foundations",
    "Digital twins of harbours shorten the waiting time of container ships",
    "Automatic cranes lower the fuel consumption of busy container terminals",
    "Green roofs cool dense city districts during summer heat waves",
    "Street trees lower the temperature of pavements in dry climates",
    "Music therapy calms agitated patients with advanced dementia",
    "Shared meals improve the appetite of residents with mild dementia",
    "Handwashing campaigns reduce respiratory infections in primary schools",
    "Open windows lower carbon dioxide concentrations in crowded classrooms",
    "Bilingual children switch attention faster in noisy classrooms",
    "Reading aloud enlarges the vocabulary of preschool children",
    "Drip irrigation saves water in olive groves of dry regions",
    "Cover crops keep nitrogen in the soil of steep vineyards",
    "Ultrasound imaging detects small kidney stones in pregnant women",
    "Vitamin D supplements strengthen the bones of housebound patients",
    "Night trains cut the emissions of business travel between capitals",
    "Bicycle lanes increase the number of commuters who cycle to work",
    "Machine translation errors confuse readers of medical leaflets",
    "Plain language summaries help carers understand discharge letters",
)


def doi_of(number: int) -> str:
    """Of the work that is cited for statement `number`."""
    return f"10.5555/work.{number}"


def article(number: int) -> str:
    """Article `number` of a dozen, as JATS."""
    own = (2 * number, 2 * number + 1)
    sentences = " ".join(f'{SAID[n]} [<xref ref-type="bibr" rid="R{n}">{n}</xref>].' for n in own)
    references = "".join(
        f'<ref id="R{n}"><element-citation><person-group person-group-type="author"><name>'
        f"<surname>Prado</surname><given-names>N{n}</given-names></name></person-group>"
        f"<article-title>On {SAID[n].split()[0].lower()} number {n}</article-title>"
        f"<source>Annals of tests</source><year>{1990 + n}</year>"
        f'<pub-id pub-id-type="doi">{doi_of(n)}</pub-id></element-citation></ref>'
        for n in own
    )
    return (
        '<article xml:lang="en"><front><article-meta><article-id pub-id-type="doi">'
        f"10.5555/article.{number}</article-id><title-group><article-title>Article number {number}"
        "</article-title></title-group></article-meta></front><body><sec><title>Findings</title>"
        f"<p>{sentences}</p></sec></body><back><ref-list>{references}</ref-list></back></article>"
    )


def write_articles(folder: Path) -> Path:
    """A folder of the dozen."""
    folder.mkdir(parents=True)
    for number in range(len(SAID) // 2):
        (folder / f"article-{number}.xml").write_text(article(number), "utf-8")
    return folder
