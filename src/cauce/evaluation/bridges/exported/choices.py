"""Questions of which one choice is right; they stand in the JSON lines beside this file.

inspect eval FILE --model cauce/NAME                       the choice that the model finds likeliest
inspect eval FILE --model PROVIDER/MODEL -T words=true     the choice that it names
"""

import re
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import ChatMessageAssistant, GenerateConfig, ModelOutput, get_model
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

LINES = Path(__file__).with_suffix(".jsonl")
NUMBERED = re.compile(r"\W*(?:(\d{1,2})|([a-z]))(?!\w)", re.IGNORECASE)
"""`3`, `c)` at the start of an answer."""


@task(name="choices")
def choices(words: bool = False) -> Task:
    """The accuracy, and its standard error with questions of one group taken together."""
    dataset = json_dataset(str(LINES))
    longest = (dataset[0].metadata or {})["max_new_tokens"]
    return Task(
        dataset=dataset,
        solver=generate(max_tokens=longest) if words else likeliest(),
        scorer=chosen(),
    )


@solver
def likeliest() -> Solver:
    """Answers with the choice to which the model gives the highest log-likelihood."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        texts = [choice.value for choice in state.choices]
        found = {text: await log_likelihood(state, text) for text in texts}
        best = max(found, key=found.__getitem__)
        state.output = ModelOutput.from_content(str(state.model), best)
        state.messages.append(state.output.message)
        state.metadata["log_likelihoods"] = [found[text] for text in texts]
        return state

    return solve


async def log_likelihood(state: TaskState, text: str) -> float:
    """Of `text` as the answer to the chat."""
    output = await get_model().generate(
        [*state.messages, ChatMessageAssistant(content=text)],
        config=GenerateConfig(prompt_logprobs=1, max_tokens=1),
    )
    found = output.choices[0].prompt_logprobs
    if found is None:
        raise RuntimeError("the provider gives no prompt_logprobs; ask in words: -T words=true")
    return sum((token.logprob for token in found.content), 0.0)


@scorer(metrics=[accuracy(), stderr(cluster="group")])
def chosen() -> Scorer:
    """Whether the one choice that the answer names is right; one that names none is left out."""

    async def score(state: TaskState, target: Target) -> Score:
        texts = [choice.value for choice in state.choices]
        answer = state.output.completion
        named = named_choice(answer, texts)
        if named is None:
            return Score.unscored(explanation=f"no one choice is named: {answer}")
        value = CORRECT if named == target.text else INCORRECT
        return Score(value=value, answer=named, explanation=answer)

    return score


def named_choice(answer: str, choices: list[str]) -> str | None:
    """The choice whose words the answer holds, else that of its number or letter; None if unsure.

    Of choices that hold each other the longest counts.
    """
    held = [choice for choice in choices if choice.lower() in answer.lower()]
    longest = [one for one in held if not any(one != other and one in other for other in held)]
    if len(longest) == 1:
        return longest[0]
    if longest or not (found := NUMBERED.match(answer)):
        return None
    number, letter = found.groups()
    place = int(number) - 1 if number else ord(letter.lower()) - ord("a")
    return choices[place] if 0 <= place < len(choices) else None
