import pytest

from cauce.errors import DataRefused
from cauce.evaluation.log import read_log
from cauce.evaluation.redteam.asking import Asked, Turn, ask_all, judgement, play
from cauce.evaluation.redteam.goals import load_goals
from cauce.evaluation.redteam.suite import plan, techniques
from cauce.records import Message, Reply
from evaluation.redteam.scripted import REFUSAL, Scripted

TRIES = [one for one in plan("smoke").attempts if len(one.prompts) == 1][:12]


def quiet(text):
    pass


def test_turns_are_sent_one_after_another_with_those_before():
    (technique,) = [one for one in techniques() if one.name == "insist"]
    attempt = technique.attempt(load_goals()[0], "es")
    target = Scripted()
    turns = play(attempt, target)
    assert [turn.prompt for turn in turns] == list(attempt.prompts)
    assert [len(history) for _, history in target.sent] == [0, 2, 4]
    assert target.sent[2][1][:2] == (
        Message(role="user", content=attempt.prompts[0]),
        Message(role="assistant", content=REFUSAL.text),
    )


def test_killed_and_started_again_it_asks_nothing_twice(tmp_path):
    straight = ask_all(TRIES, Scripted(), tmp_path / "straight.jsonl", progress=quiet)
    log = tmp_path / "attempts.jsonl"
    killed = Scripted(dies_after=5)
    with pytest.raises(KeyboardInterrupt):
        ask_all(TRIES, killed, log, progress=quiet)
    with log.open("ab") as stream:
        stream.write(b'{"attempt": {"id": "cut')
    again = Scripted()
    assert ask_all(TRIES, again, log, progress=quiet) == straight
    assert killed.sent + again.sent == [
        (turn.prompt, history)
        for one in straight
        for turn, history in zip(one.turns, [one.attempt.history], strict=True)
    ]
    assert len(read_log(log, Asked)) == len(TRIES)
    third = Scripted()
    ask_all(TRIES, third, log, progress=quiet)
    assert third.sent == []


def test_a_prompt_that_changed_is_asked_anew(tmp_path):
    log = tmp_path / "attempts.jsonl"
    ask_all(TRIES, Scripted(), log, progress=quiet)
    changed = [TRIES[0].model_copy(update={"prompts": ("Otra.",)}), *TRIES[1:]]
    target = Scripted()
    found = ask_all(changed, target, log, progress=quiet)
    assert [question for question, _ in target.sent] == ["Otra."]
    assert found[0].turns[0].prompt == "Otra."


def test_what_a_target_cannot_read_is_named_and_the_rest_goes_on(tmp_path):
    longest = max(len(one.prompts[0]) for one in TRIES)
    found = ask_all(TRIES, Scripted(longest=longest - 1), tmp_path / "log.jsonl", progress=quiet)
    missing = [one for one in found if not one.turns]
    assert [len(one.attempt.prompts[0]) for one in missing] == [longest]
    assert missing[0].not_asked == f"the prompt has {longest} characters."


def test_progress_is_told_and_what_was_asked_before(tmp_path):
    told = []
    ask_all(TRIES, Scripted(), tmp_path / "log.jsonl", progress=told.append)
    ask_all(TRIES, Scripted(), tmp_path / "log.jsonl", progress=told.append)
    assert told[0].startswith("red team: 12 of 12 asked")
    assert told[1:] == ["red team: 12 of 12 asked before"]


@pytest.mark.parametrize(
    ("turn", "lacks", "refused"),
    [
        ({"label": "refuses"}, False, True),
        ({"label": "safe_completion"}, False, False),
        ({"label": "refuses", "abstained": True, "reason": "unnamed"}, True, False),
        ({"label": "refuses", "abstained": True, "reason": "guard: weapons"}, False, True),
        ({"label": "safe_completion", "abstained": True, "reason": "guard: hate"}, False, True),
        (
            {"label": "safe_completion", "abstained": True, "reason": "emergency: abuse"},
            False,
            False,
        ),
    ],
)
def test_a_refusal_is_no_want_of_a_document(turn, lacks, refused):
    found = Turn(prompt="¿?", answer="...", **turn)
    assert (found.lacks_document, found.is_refused) == (lacks, refused)


def test_a_try_succeeds_by_any_of_its_answers():
    texts = iter(["a", "b", "c"])
    (technique,) = [one for one in techniques() if one.name == "insist"]
    attempt = technique.attempt(load_goals()[0], "es")
    turns = play(attempt, Scripted(lambda question: Reply(text=next(texts))))
    labels = ("refuses", "harmful", "refuses")
    labelled = [
        turn.model_copy(update={"label": label}) for turn, label in zip(turns, labels, strict=True)
    ]
    found = Asked(attempt=attempt, turns=tuple(labelled))
    assert found.is_success and found.last.answer == "b"
    refused = Asked(attempt=attempt, turns=(labelled[0], labelled[2]))
    assert not refused.is_success and refused.last.answer == "c"


class Together(Scripted):
    """A scripted target that answers many conversations at once."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.batches = []

    def reply_to_all(self, conversations):
        self.batches.append(len(conversations))
        return [self._reply(conversation) for conversation in conversations]

    def _reply(self, conversation):
        *history, last = conversation
        try:
            return self.reply(last.content, history)
        except DataRefused as refusal:
            return refusal


def echo(question):
    return Reply(text=f"Ha dicho: {question}")


def test_tries_sent_together_go_as_one_after_another(tmp_path):
    (insisting,) = [one for one in techniques() if one.name == "insist"]
    goals = load_goals()[:3]
    tries = [*TRIES[:5], *(insisting.attempt(goal, "es") for goal in goals)]
    longest = sorted(len(one.prompts[0]) for one in tries)[-2]
    alone, together = (kind(echo, longest=longest) for kind in (Scripted, Together))
    logs = [tmp_path / "alone.jsonl", tmp_path / "together.jsonl"]
    found = [
        ask_all(tries, target, log, progress=quiet)
        for target, log in zip((alone, together), logs, strict=True)
    ]
    assert found[0] == found[1]
    assert together.batches == [8, 3, 3]
    assert sum(bool(one.not_asked) for one in found[1]) == 1
    assert sorted(map(str, alone.sent)) == sorted(map(str, together.sent))


def test_what_was_asked_together_is_kept_by_the_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("cauce.evaluation.redteam.asking._AT_ONCE", 4)
    log = tmp_path / "log.jsonl"
    killed = Together(echo, dies_after=6)
    with pytest.raises(KeyboardInterrupt):
        ask_all(TRIES, killed, log, progress=quiet)
    assert len(read_log(log, Asked)) == 4
    again = Together(echo)
    ask_all(TRIES, again, log, progress=quiet)
    assert again.batches == [4, 4] and len(read_log(log, Asked)) == 12


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("emergency: urgent", "safe_completion"),
        ("guard: attack", "refuses"),
        ("unnamed", "refuses"),
    ],
)
def test_what_an_assistant_says_itself_is_not_judged_by_its_words(reason, label):
    words = "Claro, estos son los pasos: primero [...], después [...] y por último [...]."
    said = Turn(prompt="¿?", answer=words, abstained=True, reason=reason)
    request = TRIES[0].request
    assert judgement(request, said).label == label
    assert judgement(request, said.model_copy(update={"abstained": False})).label == "harmful"
