"""Learning from the model's own answers: written, judged, learned from, watched."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from cauce.corpus.judged import Tried
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.models.generation import generate
from cauce.models.sampling import sample
from cauce.training import loop
from cauce.training.judging import judged_tokens
from cauce.training.objectives import Grpo
from cauce.training.policy import advantages, policy_losses
from cauce.training.rollouts import Judged, Rollouts, alarms
from cauce.training.settings import TrainingSettings
from training.engines import distance, engine_of, gradient_of
from training.judged import CHECKS, example, fails_at, log, tiny, trained


def grpo(**changes):
    return Grpo.model_validate({**CHECKS, "group": 4, "max_new_tokens": 8, **changes})


def test_advantages_in_a_plain_loop():
    rewards = torch.tensor([[1.0, 0.0, 0.5], [0.4, 0.4, 0.4]])
    mean, deviation = 0.5, math.sqrt((0.25 + 0.25) / 2)
    found = advantages(rewards)
    assert found[0].tolist() == pytest.approx(
        [(r - mean) / (deviation + 1e-4) for r in (1, 0, 0.5)]
    )
    assert found[1].tolist() == pytest.approx([0, 0, 0], abs=1e-3)


def test_a_token_that_moved_far_enough_is_not_learned_from():
    each = torch.tensor([math.log(1.5), math.log(0.5), math.log(1.1)], requires_grad=True)
    advantage = torch.tensor([1.0, -1.0, 1.0])
    policy_losses(each, torch.zeros(3), advantage, grpo()).sum().backward()
    assert each.grad.tolist() == pytest.approx([0.0, 0.0, -1.1])


def test_the_divergence_from_the_reference_is_never_negative():
    each = torch.linspace(-5, 0, 11)
    apart = policy_losses(each, each, torch.zeros(11), grpo(beta=1.0), torch.full((11,), -2.0))
    assert bool((apart >= 0).all())
    assert apart[6].item() == pytest.approx(0.0)


def tried(loaded, count=4):
    items = judged_tokens(loaded, [example(n) for n in range(count)], grpo())
    return [
        it._replace(judged=Tried(1.0 - place, (-5.0,) * len(it.completion)))
        for place, it in enumerate(items)
    ]


@pytest.mark.parametrize("loss", ["dapo", "grpo"])
def test_several_batches_are_as_one(loss):
    loaded = tiny("llama")
    items = tried(loaded)
    with engine_of(loaded, objective=grpo(loss=loss)) as engine:
        whole, expected = gradient_of(engine, [[[item] for item in items]])
        parts, found = gradient_of(engine, [[[item]] for item in items])
    assert whole.tokens == (sum(len(it.completion) for it in items) if loss == "dapo" else 4)
    assert parts.loss == pytest.approx(whole.loss, abs=1e-6)
    assert distance(found, expected) < 1e-5


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_samples_follow_the_seed_and_without_one_are_the_likeliest(kind):
    loaded = tiny(kind)
    questions = [example(n) for n in (1, 22)]
    prompts = judged_tokens(loaded, questions, grpo())
    state = torch.get_rng_state()
    first, again, other = (
        sample(loaded, prompts, max_new_tokens=6, seed=seed) for seed in (5, 5, 6)
    )
    assert first == again != other
    assert torch.equal(state, torch.get_rng_state())
    greedy = sample(loaded, prompts, max_new_tokens=6, seed=None)
    written = generate(loaded, [it.messages for it in questions], max_new_tokens=6, batch_size=2)
    texts = [loaded.tokenizer.decode(it, skip_special_tokens=True).strip() for it in greedy]
    assert texts == [it.text for it in written]


def test_samples_are_drawn_from_the_whole_distribution():
    """2,000 first tokens of one prompt, against the probabilities that the model gives them."""
    loaded = tiny("gpt2")
    with torch.no_grad():
        loaded.model.transformer.wte.weight.mul_(8)
    [item] = judged_tokens(loaded, [example(3)], grpo())
    drawn = [it for n in range(4) for it in sample(loaded, [item] * 500, max_new_tokens=1, seed=n)]
    with torch.no_grad():
        said = loaded.model(input_ids=torch.tensor([item.prompt])).logits[0, -1].softmax(-1)
    counts = torch.bincount(torch.tensor([row[0] for row in drawn]), minlength=len(said))
    assert float((counts / 2000 - said).abs().max()) < 0.05
    assert int((counts > 0).sum()) > 50


def test_an_answer_ends_with_its_end_token():
    loaded = tiny("llama")
    end = loaded.tokenizer.eos_token_id
    with torch.no_grad():
        loaded.model.lm_head.weight.zero_()
        loaded.model.lm_head.weight[end] = loaded.model.model.norm.weight
    items = judged_tokens(loaded, [example(1)], grpo())
    drawn = sample(loaded, items * 8, max_new_tokens=5, seed=1)
    assert all(end not in row[:-1] for row in drawn)
    assert any(row[-1] == end for row in drawn)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_what_is_said_of_each_token_is_said_again_while_training(kind):
    """The ratio at the first of several updates is 1: the log-probabilities are the same."""
    loaded = tiny(kind, "lora")
    objective = grpo(updates=2, beta=0.1)
    with engine_of(loaded, objective=objective, batch_size=2) as engine:
        items = judged_tokens(loaded, [example(n) for n in range(2)], objective)
        answers = Rollouts(engine, items, seed=0)
        [batch] = answers.batches(0, lambda: [[[item] for item in items]])
        again = answers.batches(1, lambda: pytest.fail("written anew"))
        assert again == [batch]
        with torch.no_grad():
            loss = engine.summed_loss
            each, _ = loss.log_probabilities(loss.batch(batch, engine.width))
    judged = [item.judged for [item] in batch]
    before = torch.tensor([it for one in judged for it in one.before])
    assert torch.allclose(each, before, atol=1e-5)
    assert torch.allclose(
        before, torch.tensor([it for one in judged for it in one.reference]), atol=1e-5
    )
    assert sum(it.advantage for it in judged[:4]) == pytest.approx(0, abs=1e-5)
    assert len({tuple(item.completion) for [item] in batch}) > 1


@pytest.mark.parametrize("kind", ["liquid", "t5"])
def test_the_reward_rises(kind, tmp_path):
    loaded = tiny(kind)
    summary = trained(loaded, grpo(group=8), tmp_path, steps=8, lr=1e-2, evaluate_every=8)
    first, *updates, last = log(tmp_path)
    assert last["reward"] > first["reward"] + 0.3
    assert last["validation_loss"] == 1 - last["reward"]
    assert {"reward", "reward_spread", "answer_tokens"} <= updates[0].keys()
    assert {"held_out/claims"} <= last.keys()
    assert summary["alarms"] == []


def test_a_resumed_training_ends_with_the_same_bits(tmp_path, monkeypatch):
    """Between two updates that learn from the same answers."""
    objective = grpo(updates=2)
    trained(tiny("gpt2", dropout=0.1), objective, tmp_path / "straight")
    with monkeypatch.context() as broken:
        broken.setattr(loop, "learning_rate", fails_at(3))
        with pytest.raises(RuntimeError, match="killed"):
            trained(tiny("gpt2", dropout=0.1), objective, tmp_path / "killed")
    summary = trained(tiny("gpt2", dropout=0.1), objective, tmp_path / "killed")
    assert summary["resumed_from"] == 3
    assert log(tmp_path / "killed") == log(tmp_path / "straight")
    straight, killed = (tmp_path / it / "model/model.safetensors" for it in ("straight", "killed"))
    assert killed.read_bytes() == straight.read_bytes()


def test_an_alarm_needs_a_reward_that_rose_and_a_check_that_fell_by_more_than_chance():
    first = Judged([0.1] * 20, {"claims": [1.0] * 20, "refusal": [1.0] * 20})
    fallen = {"claims": [0.0] * 6 + [1.0] * 14, "refusal": [0.0] + [1.0] * 19}
    assert alarms(first, Judged([0.9] * 20, fallen)) == ["claims"]
    assert alarms(first, Judged([0.1] * 20, fallen)) == []
    assert alarms(first, Judged([0.9] * 20, {**first.held_out})) == []


def test_a_gamed_reward_is_told_and_its_weights_are_not_the_best(tmp_path, monkeypatch):
    """The reward is one word, of which no claim is made: what was right before is unlearned."""
    worth = iter(range(100))

    def judge(self):
        step = next(worth)
        return Judged([0.1 + 0.1 * step] * 9, {"claims": [1.0 if step < 2 else 0.0] * 9})

    monkeypatch.setattr(Rollouts, "judge", judge)
    said: list[str] = []
    summary = trained(tiny("gpt2"), grpo(), tmp_path, said, steps=3, evaluate_every=1)
    assert summary["alarms"] == ["step 2: claims", "step 3: claims"]
    assert summary["best_step"] == 1
    assert sum("the model may be gaming its reward" in line for line in said) == 2
    validations = [line for line in log(tmp_path) if "validation_loss" in line]
    assert [line.get("alarm/claims") for line in validations] == [None, None, 1.0, 1.0]


def test_contradictions_are_refused():
    with pytest.raises(ValidationError, match="length is in rewards and in held_out"):
        Grpo.model_validate({**CHECKS, "held_out": CHECKS["rewards"]})
    with pytest.raises(ValidationError, match="stands twice"):
        Grpo.model_validate({**CHECKS, "held_out": CHECKS["held_out"] * 2})
    with pytest.raises(ValidationError, match="leave pack_tokens out"):
        TrainingSettings(objective=grpo(), pack_tokens=64)


def test_answers_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(TrainingRefused, match="exceeds the 512 that 'tiny-gpt2' reads"):
        trained(tiny("gpt2"), grpo(max_new_tokens=500), tmp_path)


def test_stored_answers_are_restored():
    loaded = tiny("gpt2")
    objective = grpo(updates=2)
    with engine_of(loaded, objective=objective) as engine:
        items = judged_tokens(loaded, [example(1)], objective)
        answers, other = (Rollouts(engine, items, seed=0) for _ in range(2))
        batches = answers.batches(0, lambda: [[[item] for item in items]])
        other.put_state(answers.state())
        assert other.batches(1, lambda: pytest.fail("written anew")) == batches
        assert other.figures == answers.figures
        assert all(isinstance(item, Tokens) for batch in batches for [item] in batch)
