"""A red team that adapts: every goal attacked until it is reached or the budget is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from cauce.assistant.research.writers import load_writer
from cauce.corpus.research.rewriting import PromptWriter
from cauce.corpus.research.settings import WriterSettings
from cauce.evaluation.log import read_log
from cauce.evaluation.made_by import MadeBy, command_of, state_of_run, write_trial
from cauce.evaluation.redteam.adaptive.crescendo import Crescendo
from cauce.evaluation.redteam.adaptive.gcg import Gcg, GcgSettings
from cauce.evaluation.redteam.adaptive.mutation import Mutation
from cauce.evaluation.redteam.adaptive.results import AdaptiveFindings, search_of
from cauce.evaluation.redteam.adaptive.tree import PAIR, TAP, Tree
from cauce.evaluation.redteam.asking import Asked, Play, Progress, Turn, play
from cauce.evaluation.redteam.attempts import Attempt, plain_request
from cauce.evaluation.redteam.campaign import LOG, attack, forget_another
from cauce.evaluation.redteam.goals import LANGUAGES, load_goals
from cauce.evaluation.redteam.results import JudgeFigures
from cauce.evaluation.redteam.suite import Plan, some_safe
from cauce.evaluation.redteam.targets import Attacked, Target
from cauce.models.loading import LoadedModel
from cauce.records import Record
from cauce.runs import Run, fingerprint, sha256_of_file, write_json

FAMILY = "adaptive"
ADAPTIVE = "adaptive.json"


class AdaptiveSettings(Record):
    """What the attackers may spend, and which of them there are."""

    budget: int = Field(20, ge=1)
    """Most queries for a goal, of each attacker."""
    goals: int | None = Field(None, ge=1)
    """Goals attacked, evenly taken from the package's; None for all."""
    writer: WriterSettings | None = None
    """The model that attacks by PAIR and TAP, loaded here or behind a server; None for neither."""
    gcg: GcgSettings | None = None
    """The search for suffixes on the weights at hand; None for none."""


def adaptive(
    run: Run,
    settings: AdaptiveSettings,
    *,
    figures: JudgeFigures | None = None,
    seed: int = 0,
    progress: Progress,
) -> AdaptiveFindings:
    """What adaptive attackers reach in the assistant of a run; also in `redteam-adaptive`.

    Suffixes are searched for on the run's own tuned model, where it has one, and sent to the
    assistant. Killed and started again it goes on with the next goal.
    """
    from cauce.assistant.loading import load_assistant

    assistant = load_assistant(run)
    folder, state = run.folder("redteam-adaptive"), state_of_run(run)
    found = attack_adaptively(
        Attacked("assistant", assistant, state),
        settings,
        folder,
        writer=load_writer(settings.writer, folder / "written") if settings.writer else None,
        weights=assistant.model,
        figures=figures,
        seed=seed,
        progress=progress,
    )
    made_by = MadeBy(
        command=_command(run, settings, seed),
        state=state,
        seed=seed,
        data_sha256=sha256_of_file(folder / LOG),
    )
    write_trial(folder / ADAPTIVE, found.model_dump(mode="json"), made_by)
    return found


def _command(run: Run, settings: AdaptiveSettings, seed: int) -> str:
    """Empty for settings that only Python takes."""
    writer, gcg = settings.writer, settings.gcg
    told = AdaptiveSettings(
        budget=settings.budget,
        writer=WriterSettings(model=writer.model) if writer else None,
        gcg=GcgSettings() if gcg else None,
    )
    if settings != told:
        return ""
    attacker = ("--attacker", writer.model) if writer else ()
    suffixes = ("--suffixes",) if gcg else ()
    budget = ("--budget", settings.budget)
    return command_of(
        "redteam", run, "--mode", FAMILY, *budget, *attacker, *suffixes, "--seed", seed
    )


def attack_adaptively(
    attacked: Attacked,
    settings: AdaptiveSettings,
    folder: Path,
    *,
    writer: PromptWriter | None = None,
    weights: LoadedModel | None = None,
    figures: JudgeFigures | None = None,
    seed: int = 0,
    progress: Progress,
) -> AdaptiveFindings:
    """What the attackers reach in any target; log and findings are written to the folder."""
    state = fingerprint(attacked.state, settings.model_dump(mode="json"), seed)
    attacked = attacked._replace(state=state)
    forget_another(folder, attacked)
    before = [asked for asked in read_log(folder / LOG, Asked) if _is_of(asked, "mutation")]
    plays: dict[str, Play] = {
        "mutation": Mutation(settings.budget, seed=seed, learned=before),
        "crescendo": Crescendo(settings.budget),
    }
    if writer is not None:
        plays |= {name: Tree(writer, how, settings.budget) for name, how in _SHAPES.items()}
    if weights is not None and settings.gcg is not None:
        plays["gcg"] = Gcg(weights, settings.gcg, seed=seed)
    found = attack(
        attacked,
        adaptive_plan([*plays], goals=settings.goals, seed=seed),
        folder,
        figures=figures,
        play=_by_technique(plays),
        progress=progress,
    )
    known = read_log(folder / LOG, Asked)
    result = AdaptiveFindings(
        findings=found,
        budget=settings.budget,
        searches=tuple(
            search_of(
                name,
                [asked for asked in known if _is_of(asked, name)],
                budget=1 if name == "gcg" else settings.budget,
                figures=figures,
            )
            for name in plays
        ),
    )
    write_json(folder / ADAPTIVE, result.model_dump())
    return result


_SHAPES = {"pair": PAIR, "tap": TAP}


def adaptive_plan(attackers: Sequence[str], *, goals: int | None = None, seed: int = 0) -> Plan:
    """Each goal once for each attacker, languages in turn, and the innocent prompts of `smoke`."""
    all_goals = load_goals()
    size = len(all_goals) if goals is None else min(goals, len(all_goals))
    chosen = [all_goals[place * len(all_goals) // size] for place in range(size)]
    attacks = [
        Attempt(
            id=f"{FAMILY}-{name}/{goal.id}/{language}",
            family=FAMILY,
            technique=name,
            goal=goal.id,
            category=goal.category,
            language=language,
            request=plain_request(goal, language),
            prompts=(),
        )
        for name in attackers
        for place, goal in enumerate(chosen)
        for language in (LANGUAGES[place % len(LANGUAGES)],)
    ]
    return Plan(FAMILY, seed, attacks + some_safe(seed))


def _by_technique(plays: Mapping[str, Play]) -> Play:
    def carry_out(attempt: Attempt, target: Target) -> Sequence[Turn]:
        chosen = play if attempt.is_safe else plays[attempt.technique]
        return chosen(attempt, target)

    return carry_out


def _is_of(asked: Asked, attacker: str) -> bool:
    return asked.attempt.family == FAMILY and asked.attempt.technique == attacker
