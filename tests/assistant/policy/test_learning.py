"""A policy learns what pays, goes on as if it had not stopped, and hears what people say of it."""

from __future__ import annotations

import random

import pytest
import torch

from cauce.assistant.policy.actions import ACTIONS
from cauce.assistant.policy.choosing import Situation
from cauce.assistant.policy.correcting import CorrectionSettings, corrected, logged
from cauce.assistant.policy.features import REPLY, TURN
from cauce.assistant.policy.learning import LearningSettings, advantages, learn, played
from cauce.assistant.policy.network import (
    CARD,
    NetworkSettings,
    PolicyNetwork,
    batch_of,
    load_policy,
    save_policy,
)
from cauce.errors import NotFound, UserError
from cauce.records import Decision, Reply

QUICK = CorrectionSettings(updates=30, lr=5e-3)
SMALL = NetworkSettings(units=6, backbone=8)
ALL = (True,) * len(ACTIONS)


def situation(*signals: float, minutes: float = 1.0, allowed=ALL) -> Situation:
    """Turns whose first feature is a signal, the others nothing."""
    turns = tuple((signal, *[0.0] * (len(TURN) - 1)) for signal in signals)
    return Situation(turns, (minutes,) * len(turns), (0.0,) * len(REPLY), allowed)


class Recall:
    """Two turns; in the second it pays to do what the first turn told, and it tells nothing."""

    def __init__(self, drawn: random.Random) -> None:
        self.told, self.turn = drawn.randint(0, 1), 0

    def situation(self) -> Situation | None:
        told = (float(self.told), 0.5)
        return situation(*told[: self.turn + 1]) if self.turn < 2 else None

    def act(self, action: int) -> float:
        self.turn += 1
        return float(self.turn == 2 and action == 2 * self.told)


def test_what_pays_is_learnt_even_where_it_was_told_a_turn_before():
    learned = learn(Recall, SMALL, LearningSettings(updates=30, conversations=32, lr=0.05))
    episodes = played(learned, [Recall(random.Random(seed)) for seed in range(40)])
    assert sum(step.reward for steps in episodes for step in steps) / len(episodes) > 0.95


class Stopped(Exception):
    """A crash in the middle."""


def test_an_interrupted_learning_goes_on_as_if_it_had_not_been(tmp_path):
    settings = LearningSettings(updates=6, conversations=4, save_every=2)
    straight = learn(Recall, SMALL, settings)
    begun = []

    def crashing(drawn: random.Random) -> Recall:
        begun.append(drawn)
        if len(begun) > 4 * 5:
            raise Stopped
        return Recall(drawn)

    with pytest.raises(Stopped):
        learn(crashing, SMALL, settings, tmp_path)
    told: list[str] = []
    resumed = learn(Recall, SMALL, settings, tmp_path, progress=told.append)
    assert len(told) == 1, "four of six updates were kept"
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_another_learning_in_the_same_folder_begins_anew(tmp_path):
    settings = LearningSettings(updates=2, conversations=2)
    learn(Recall, SMALL, settings, tmp_path)
    other = settings.model_copy(update={"seed": 1})
    again, alone = learn(Recall, SMALL, other, tmp_path), learn(Recall, SMALL, other)
    assert torch.equal(again.value.bias, alone.value.bias)


def test_advantages_are_sums_of_what_the_critic_missed():
    rewards, values, smoothing = (1.0, 0.0, -2.0), (0.3, 0.1, -0.5), 0.7
    missed = [
        reward + after - value
        for reward, value, after in zip(rewards, values, (*values[1:], 0.0), strict=True)
    ]
    expected = [sum(smoothing**k * one for k, one in enumerate(missed[step:])) for step in range(3)]
    assert advantages(rewards, values, smoothing) == pytest.approx(expected)
    assert advantages(rewards, values, 1.0)[0] == pytest.approx(sum(rewards) - values[0])


@pytest.mark.parametrize("cell", ["cfc", "gru"])
def test_conversations_side_by_side_know_nothing_of_each_other(cell):
    network = PolicyNetwork(SMALL.model_copy(update={"cell": cell})).eval()
    several = [situation(0.2), situation(0.9, 0.1, 0.4), situation(0.5, 0.5, minutes=7.0)]
    together = network(batch_of(several))
    for place, one in enumerate(several):
        alone = network(batch_of([one]))
        torch.testing.assert_close(together.logits[place], alone.logits[0])
        torch.testing.assert_close(together.values[place], alone.values[0])


def test_every_conversation_begins_anew_and_time_counts():
    network = PolicyNetwork(SMALL).eval()
    before = network.probabilities(situation(0.5))
    network.probabilities(situation(0.9, 0.8, 0.7))
    assert network.probabilities(situation(0.5)) == before
    assert network.probabilities(situation(0.5, 0.5)) != before
    slow, slower = (network.probabilities(situation(0.5, 0.5, minutes=it)) for it in (1.0, 9.0))
    assert slow != slower


def test_a_policy_is_what_was_saved_and_another_version_is_refused(tmp_path):
    network = PolicyNetwork(SMALL).eval()
    save_policy(tmp_path, network)
    found = network.probabilities(situation(0.5))
    assert load_policy(tmp_path).network.probabilities(situation(0.5)) == found
    assert load_policy(tmp_path).probabilities(situation(0.5)) == tuple(
        float(chance == max(found)) for chance in found
    )
    save_policy(tmp_path, network, explore=0.8)
    three = situation(0.5, allowed=(True, False, True, True))
    exploring = load_policy(tmp_path).probabilities(three)
    assert sorted(exploring) == pytest.approx([0, 0.8 / 3, 0.8 / 3, 0.2 + 0.8 / 3])
    assert exploring[1] == 0
    card = tmp_path / CARD
    card.write_text(card.read_text("utf-8").replace('"misspelled"', '"height"'), "utf-8")
    with pytest.raises(UserError, match="Train it anew"):
        load_policy(tmp_path)
    with pytest.raises(NotFound, match=r"docs/how-to/policy\.md"):
        load_policy(tmp_path / "nowhere")


def test_a_policy_does_more_of_what_was_liked_and_less_of_what_was_not():
    network = PolicyNetwork(SMALL).eval()
    one = situation(0.3, 0.6)
    before = network.probabilities(one)

    def reply(action: str) -> Reply:
        chance = before[ACTIONS.index(action)]
        return Reply(
            text="x", decision=Decision(action=action, probability=chance, **one._asdict())
        )

    said = [(reply("ask_back"), "up"), (reply("answer"), "down"), (Reply(text="x"), "up")]
    decisions = logged(said)
    assert [it.reward for it in decisions] == [1.0, -1.0]
    after = corrected(network, decisions, QUICK).probabilities(one)
    assert after[ACTIONS.index("ask_back")] > before[ACTIONS.index("ask_back")] + 0.05
    assert after[ACTIONS.index("answer")] < before[ACTIONS.index("answer")]
    held = corrected(network, decisions, QUICK.model_copy(update={"beta": 100.0})).probabilities(
        one
    )
    assert max(abs(a - b) for a, b in zip(held, before, strict=True)) < 0.02
    assert network.probabilities(one) == before
    assert corrected(network, [], QUICK).probabilities(one) == before
