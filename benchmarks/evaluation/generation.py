"""Answers and likelihoods of many items: what they cost together and alone, and in memory."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from benchmarks import report
from cauce.corpus.tokens import Tokens, chat_prompt
from cauce.evaluation.likelihood import likelihood
from cauce.models.generation import end_token_ids, generate
from cauce.models.loading import LoadedModel, assemble
from cauce.records import Message

ITEMS = 1000
NEW_TOKENS = 32
PROMPT_WORDS = (10, 60)
BATCH_SIZE = 32
"""With 16, the default of an evaluation, weights are read twice as often: 4.0 times, not 5.3."""
VOCABULARY = 32128
SMALL: dict[str, Any] = {}
"""T5-small is what `T5Config` makes by itself."""
NARROW: dict[str, Any] = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4}
"""Little to compute and T5's vocabulary: logits that were kept would be nearly all its memory."""

GROWTH_BAR_MB = 20
"""The logits of one completion of 32 tokens take 4 MB."""

Prompt = Sequence[Message]


def generation() -> None:
    """1,000 answers of T5-small's shape together against one by one; memory by number of items."""
    torch.set_num_threads(1)
    loaded, prompts = _model(SMALL), _prompts(ITEMS)
    _warm_up(loaded, prompts)
    alone_s, alone = _timed(lambda: [_alone(loaded, prompt) for prompt in prompts])
    together_s, together = _timed(lambda: _together(loaded, prompts))
    different = sum(one != other for one, other in zip(alone, together, strict=True))
    report(
        f"{ITEMS:,} answers, {BATCH_SIZE} together: CPU time of one by one over theirs",
        alone_s / together_s,
        4,
        "higher",
    )
    report("answers that differ", different, 0)
    report("CPU seconds, one by one", alone_s, None)
    report("CPU seconds, together", together_s, None)
    for task in ("likelihood", "generation"):
        few, many = (_peak_mb_of_process(task, items) for items in (500, 2000))
        report(
            f"{task}: growth of peak memory from 500 to 2,000 items, MB", many - few, GROWTH_BAR_MB
        )
        report(f"{task}: peak memory of 2,000 items, MB", many, None)


def peak_mb(task: str, items: int) -> float:
    """Peak memory of this process after `task` over that many items."""
    torch.set_num_threads(1)
    loaded = _model(NARROW)
    if task == "generation":
        _together(loaded, _prompts(items))
    else:
        likelihood(loaded, _tokens(items), BATCH_SIZE)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _model(shape: dict[str, Any]) -> LoadedModel:
    """Random weights that write different words, answers of different lengths among them.

    The head is a matrix of its own, as one tied to the embedding would repeat a single word; and
    what was just written weighs three times as much, without which all answers would be alike.
    """
    torch.manual_seed(0)
    config = T5Config(**shape, vocab_size=VOCABULARY, decoder_start_token_id=0, dropout_rate=0.0)
    model = T5ForConditionalGeneration(config)
    head = torch.randn(VOCABULARY, config.d_model)
    head[config.eos_token_id] *= 2.5
    model.lm_head.weight = torch.nn.Parameter(head)
    with torch.no_grad():
        model.shared.weight *= 3
    return assemble(model, _tokenizer(), name="random T5")


def _tokenizer() -> PreTrainedTokenizerFast:
    special = {"<pad>": 0, "</s>": 1, "<unk>": 2}
    backend = Tokenizer(
        WordLevel(special | {f"w{i}": i for i in range(3, VOCABULARY)}, unk_token="<unk>")
    )
    backend.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def _prompts(items: int) -> list[Prompt]:
    chance = random.Random(0)
    return [[Message(role="user", content=" ".join(_words(chance)))] for _ in range(items)]


def _words(chance: random.Random) -> list[str]:
    return [f"w{chance.randrange(3, VOCABULARY)}" for _ in range(chance.randint(*PROMPT_WORDS))]


def _tokens(items: int) -> list[Tokens]:
    chance = random.Random(0)
    return [
        Tokens(
            [chance.randrange(3, VOCABULARY) for _ in range(chance.randint(*PROMPT_WORDS))],
            [chance.randrange(3, VOCABULARY) for _ in range(NEW_TOKENS)],
        )
        for _ in range(items)
    ]


def _together(loaded: LoadedModel, prompts: Sequence[Prompt]) -> list[str]:
    answers = generate(loaded, prompts, max_new_tokens=NEW_TOKENS, batch_size=BATCH_SIZE)
    return [answer.text for answer in answers]


def _alone(loaded: LoadedModel, prompt: Prompt) -> str:
    ids = torch.tensor([chat_prompt(loaded.tokenizer, prompt, is_encoder_decoder=True)])
    config = cast(Any, GenerationConfig)(
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        eos_token_id=end_token_ids(loaded),
        pad_token_id=loaded.pad_id,
    )
    with torch.inference_mode():
        (row,) = loaded.model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config
        )
    return str(loaded.tokenizer.decode(row, skip_special_tokens=True)).strip()


def _warm_up(loaded: LoadedModel, prompts: Sequence[Prompt]) -> None:
    _alone(loaded, prompts[0])
    _together(loaded, prompts[:BATCH_SIZE])


def _timed(work: Callable[[], list[str]]) -> tuple[float, list[str]]:
    before = time.process_time()
    found = work()
    return time.process_time() - before, found


def _peak_mb_of_process(task: str, items: int) -> float:
    code = (
        f"from benchmarks.evaluation.generation import peak_mb; print(peak_mb({task!r}, {items}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])
