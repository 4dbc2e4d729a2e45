"""The assistant of a run, whole: what it answers from, its model, eyes, policy and guards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cauce.assistant.assistant import Assistant
from cauce.assistant.guarded import GuardedAssistant
from cauce.assistant.personal.assistant import PersonalAssistant
from cauce.assistant.policy.choosing import Policy
from cauce.assistant.research.assistant import ResearchAssistant
from cauce.assistant.research.loading import load_research
from cauce.assistant.seeing import Eyes
from cauce.assistant.settings import AssistantSettings
from cauce.corpus.research.settings import ResearchSettings
from cauce.errors import UserError
from cauce.models.loading import LoadedModel
from cauce.models.tuned import load_model_of, tokenizer_folder
from cauce.models.upstream import ChatModel, upstream_model
from cauce.runs import Run
from cauce.sources.upstream import UpstreamServer
from cauce.twin.timeline import Timeline


def load_assistant(
    run: Run,
    twin: Timeline | None = None,
    *,
    is_shared: bool = False,
    upstream: UpstreamServer | None = None,
    weights: LoadedModel | None = None,
) -> GuardedAssistant:
    """The assistant of a run: over sections, or over articles where its corpus is research.

    With a person's record as `twin` it tells what the labels say of what the record holds; raises
    UserError where the run is of articles. `is_shared` lets threads ask at the same time: their
    answers are written side by side. With `upstream`, the server's model writes them; `weights`
    take the place of the run's.
    """
    from cauce.recipe import load_recipe

    recipe = load_recipe(run.path / "recipe.yaml")
    settings = recipe.assistant
    inner: Assistant | ResearchAssistant | PersonalAssistant
    if isinstance(recipe.corpus, ResearchSettings):
        _refuse_over_articles(run, twin, upstream, settings.policy)
        loaded = weights or _loaded(run, settings.remedy, is_shared=is_shared)
        inner = load_research(run, settings, recipe.corpus, model=loaded)
    else:
        model: ChatModel | None
        if upstream is not None:
            model = upstream_model(upstream, tokenizer_folder(run, recipe.model.base))
        else:
            model = weights or _loaded(run, settings.remedy, is_shared=is_shared)
        inner = Assistant.load(run, model=model)
        inner = PersonalAssistant(inner, twin) if twin is not None else inner
    return GuardedAssistant(
        inner,
        settings.guards,
        country=settings.country,
        eyes=_eyes_of(inner, settings),
        policy=_policy_of(settings),
    )


def _loaded(run: Run, remedy: str, *, is_shared: bool) -> LoadedModel | None:
    loaded = load_model_of(run, remedy)
    if loaded is None or not is_shared:
        return loaded
    from cauce.models.batching import Engine

    return replace(loaded, engine=Engine(loaded))


def _refuse_over_articles(
    run: Run, twin: Timeline | None, upstream: UpstreamServer | None, policy: str
) -> None:
    """Raises UserError for what a run of articles cannot do."""
    if twin is not None:
        raise UserError(
            f"{run.path} answers from articles, which say nothing of one person.\n"
            "Answer with a twin in mind from a run of medicines' labels."
        )
    if upstream is not None:
        raise UserError(
            f"{run.path} answers with sentences of articles as they stand: no server's model "
            "writes any.\nServe it without --upstream."
        )
    if policy:
        raise UserError(
            f"assistant.policy is {policy!r}, and {run.path} answers from articles: a policy "
            "chooses among replies from medicines' labels.\nLeave assistant.policy out."
        )


def _policy_of(settings: AssistantSettings) -> Policy | None:
    if not settings.policy:
        return None
    from cauce.assistant.policy.network import load_policy

    return load_policy(Path(settings.policy))


def _eyes_of(
    inner: Assistant | ResearchAssistant | PersonalAssistant, settings: AssistantSettings
) -> Eyes | None:
    """The eyes of an assistant over the labels of medicines, whose names it can look for."""
    if not settings.reader or isinstance(inner, ResearchAssistant):
        return None
    return Eyes.load(settings.reader, inner.resolver, settings.guards)
