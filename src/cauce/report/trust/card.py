"""The model card of a report of trust: YAML that model hubs read, and the evidence as text.

Everything is built here; nothing asks a hub.
"""

from __future__ import annotations

from collections.abc import Sequence

from huggingface_hub import EvalResult, ModelCardData

from cauce.report.trust.dossier import Dossier
from cauce.report.trust.evidence import Evidence
from cauce.report.trust.measures import law
from cauce.report.trust.page import Row, counts_in_words, shown_rows
from cauce.report.trust.wording import WORDING


def model_card(dossier: Dossier) -> str:
    """The card as text, in the dossier's language."""
    cover, rows = dossier.cover, dossier.evidence
    words = WORDING[cover.language]
    shown = shown_rows(rows, cover.language)
    lacking = [row for row in shown if row.evidence.source == "missing"]
    parts = [
        f"---\n{card_data(dossier).to_yaml()}\n---",
        f"# {cover.run}",
        f"> {words['is_not']}",
        *([cover.notice] if cover.notice else []),
        f"{counts_in_words(rows, cover.language)} {words['missing_first']}",
        f"## {words['evaluation']}",
        *(
            _table(titles[cover.language], words, [row for row in shown if _is_under(row, name)])
            for name, titles in law().altai.items()
        ),
        f"## {words['limits']}",
        "\n".join(_lacking(row) for row in lacking),
        f"## {words['integrity']}",
        f"{words['integrity_text']} `{dossier.head.sha256}`",
        words["integrity_limit"],
    ]
    return "\n\n".join(parts) + "\n"


def card_data(dossier: Dossier) -> ModelCardData:
    """What a hub reads: results of the systems on the test examples, and estimated emissions."""
    told = {row.name: row for row in dossier.evidence if row.value is not None}
    base, carbon = told.get("base_model"), told.get("training_carbon")
    return ModelCardData(
        base_model=None if base is None else str(base.value),
        eval_results=[_result(row) for row in dossier.evidence if _is_result(row)] or None,
        model_name=dossier.cover.run,
        tags=["cauce"],
        co2_eq_emissions=None if carbon is None else _emissions(carbon),
    )


def _emissions(carbon: Evidence) -> dict[str, object]:
    return {
        "emissions": carbon.value,
        "source": f"estimated, not measured: {carbon.note}",
        "training_type": "fine-tuning",
    }


def _is_result(row: Evidence) -> bool:
    is_score = row.source == "measured" and row.unit in ("share", "number")
    return is_score and row.file.startswith("evaluate/") and row.part == "tuned"


def _result(row: Evidence) -> EvalResult:
    return EvalResult(
        task_type="text-generation",
        dataset_type="cauce",
        dataset_name=f"test examples of {row.run}",
        dataset_revision=row.data_sha256,
        metric_type=row.name,
        metric_value=row.value,
        metric_args={"low": row.low, "high": row.high, "n": row.n},
    )


def _is_under(row: Row, heading: str) -> bool:
    """Whether the row is told there: under the first of its headings, and not missing."""
    return row.evidence.headings[0] == heading and row.evidence.source != "missing"


def _table(title: str, words: dict[str, str], rows: Sequence[Row]) -> str:
    if not rows:
        return f"### {title}\n\n{words['not_measured'].capitalize()}."
    lines = [f"| {words['measure']} | {words['value']} | {words['kind']} |", "|---|---|---|"]
    for row in rows:
        name = f"{row.title} ({row.evidence.part})" if row.evidence.part else row.title
        cells = [name, " · ".join(filter(None, (row.value, row.interval, row.judged)))]
        kind = words[row.evidence.source]
        cells.append(kind if row.evidence.run else f"{kind}: {words['of_package']}")
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return f"### {title}\n\n" + "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _lacking(row: Row) -> str:
    command = f": `{row.evidence.command}`" if row.evidence.command else ""
    return f"- {row.title}{command}" + (f" ({row.note})" if row.note else "")
