"""A tree of a million DOIs, and generation that cannot leave one: size, speed, and what it costs.

The DOIs are made up in the shapes of ten publishers. The model is a GPT-2 of four layers with
random weights, which by itself never writes a DOI; what it writes is judged by the set of strings.
"""

from __future__ import annotations

import random
import string
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LogitsProcessor,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from benchmarks import report
from cauce.knowledge.identifiers.trie import ROOT, IdentifierTrie
from cauce.models.identifiers import IdentifierGrammar, OnlyIdentifiers

DOIS, GENERATED_FROM = 1_000_000, 100_000
WALKED = 20_000
MEGABYTE = 1e6
SHAPES = (
    *("10.1016/j.????.20##.##.###", "10.1007/s#####-0##-####-#", "10.1038/s#####-0##-#####-#"),
    *("10.1371/journal.pone.0######", "10.1155/20##/#######", "10.1021/acs.????.#?#####"),
    *("10.1109/????.20##.#######", "10.1093/????/???###", "10.48550/arxiv.####.#####"),
    "10.3390/????########",
)
"""DOIs of ten publishers; a `?` is any letter and a `#` any digit."""
PROMPTS = ("Which works show that?", "Where can I read about the sterile insect technique?")
PROMPTED = 4
"""Times that each prompt stands in the batch."""
WAYS: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "sampling": {"do_sample": True},
    "beams": {"do_sample": False, "num_beams": 4},
}


def measure(data: Path) -> None:
    """Memory and CPU time of the tree, and what generation under it writes and costs."""
    dois = made_up_dois(DOIS)
    _measure_tree([doi.encode() for doi in dois])
    _measure_generation(dois[:GENERATED_FROM], _gpt2_tokenizer(data / "tokenizers" / "gpt2"))


def made_up_dois(count: int, seed: int = 0) -> list[str]:
    """So many distinct DOIs, in no order."""
    chance = random.Random(seed)
    dois: dict[str, None] = {}
    while len(dois) < count:
        dois[_made_up(chance)] = None
    return list(dois)


def _made_up(chance: random.Random) -> str:
    drawn = {"?": string.ascii_lowercase, "#": string.digits}
    return "".join(chance.choice(drawn.get(letter, letter)) for letter in chance.choice(SHAPES))


def _measure_tree(dois: Sequence[bytes]) -> None:
    """The tree over bytes: built, weighed, and walked along DOIs drawn at random."""
    started = time.process_time()
    trie = IdentifierTrie.of(dois)
    report("tree of 1e6 DOIs, build, CPU s", time.process_time() - started, 5.0)
    report("tree of 1e6 DOIs, MB", trie.nbytes / MEGABYTE, 50.0)
    walked = random.Random(1).sample(dois, WALKED)
    started = time.process_time()
    ends = [_walked(trie, doi) for doi in walked]
    steps_s = time.process_time() - started
    report("tree of 1e6 DOIs, a step, µs", 1e6 * steps_s / sum(map(len, walked)), 5.0)
    report("tree of 1e6 DOIs, DOIs found, %", 100 * sum(ends) / len(ends), 100.0, "higher")


def _walked(trie: IdentifierTrie, doi: bytes) -> bool:
    state = ROOT
    for byte in doi:
        state = trie.step(state, byte)
    return trie.is_end(state)


def _measure_generation(dois: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> None:
    """What is written under the tree of GPT-2's tokens, and the CPU time that the tree takes."""
    started = time.process_time()
    grammar = IdentifierGrammar.of(tokenizer, dois, ends=[tokenizer.eos_token_id], most=2)
    report("tree of 1e5 DOIs in tokens, build, CPU s", time.process_time() - started, None)
    report("tree of 1e5 DOIs in tokens, MB", grammar.trie.nbytes / MEGABYTE, None)
    model, known = _random_gpt2(tokenizer), {*dois}
    free = _generated(model, tokenizer, None, grammar.longest, WAYS["sampling"])
    report(
        "generation without it, sampling, DOIs that exist, %", _known(free, known), None, "higher"
    )
    for way, options in WAYS.items():
        width = _prompts(tokenizer)["input_ids"].shape[1]
        timed = _Timed(OnlyIdentifiers(grammar, width=width))
        started = time.process_time()
        written = _generated(model, tokenizer, timed, grammar.longest, options)
        others_s = time.process_time() - started - timed.spent_s
        name = f"generation under the tree, {way}"
        report(f"{name}, DOIs that exist, %", _known(written, known), 100.0, "higher")
        report(f"{name}, overhead, %", 100 * timed.spent_s / others_s, 2.0)


class _Timed(LogitsProcessor):
    """A processor, and the CPU seconds that were spent in it."""

    def __init__(self, timed: LogitsProcessor) -> None:
        self._timed = timed
        self.spent_s = 0.0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        started = time.process_time()
        allowed = self._timed(input_ids, scores)
        self.spent_s += time.process_time() - started
        return allowed


def _known(written: Sequence[str], known: set[str]) -> float:
    """Of all that is written, a word a DOI, how much of a hundred exists."""
    words = [word for text in written for word in text.split()]
    return 100 * sum(word in known for word in words) / max(1, len(words))


def _generated(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    only: LogitsProcessor | None,
    longest: int,
    options: dict[str, Any],
) -> list[str]:
    """What the model writes after the prompts, which are not of one length."""
    inputs = _prompts(tokenizer)
    torch.manual_seed(0)
    rows = model.generate(
        **inputs, logits_processor=[only] if only else None, max_new_tokens=longest, **options
    )
    written = rows[:, inputs["input_ids"].shape[1] :]
    return tokenizer.batch_decode(written, skip_special_tokens=True)


def _prompts(tokenizer: PreTrainedTokenizerBase) -> Any:
    return tokenizer([*PROMPTS] * PROMPTED, return_tensors="pt", padding=True)


def _random_gpt2(tokenizer: PreTrainedTokenizerBase) -> Any:
    torch.manual_seed(0)
    end = tokenizer.eos_token_id
    config = GPT2Config(
        vocab_size=len(tokenizer), n_layer=4, bos_token_id=end, eos_token_id=end, pad_token_id=end
    )
    return cast(Any, GPT2LMHeadModel(config)).eval()


def _gpt2_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """GPT-2's tokenizer of the files that it was published with."""
    words, merges = str(folder / "encoder.json"), str(folder / "vocab.bpe")
    backend = Tokenizer(BPE.from_file(words, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    end = "<|endoftext|>"
    tokenizer: PreTrainedTokenizerBase = cast(Any, PreTrainedTokenizerFast)(
        tokenizer_object=backend, eos_token=end, pad_token=end, padding_side="left"
    )
    return tokenizer
