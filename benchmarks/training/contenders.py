"""One training by one contender, in a process of its own: cauce, a hand loop, Trainer or trl.

    python -m benchmarks.training.contenders '{"contender": "hand", "shape": "gpt2-7m", ...}'

prints one JSON object. The clock is the same for all: it is read where an optimizer's step ends,
so that between two readings lies all that the contender does for one update.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from benchmarks.training import shapes

if TYPE_CHECKING:
    from torch import Tensor

    from cauce.corpus.tokens import Tokens
    from cauce.models.loading import LoadedModel

CONSTANT = {"lr": 1e-4, "schedule": "constant", "warmup": 0.0, "precision": "bf16"}


@dataclass(frozen=True)
class Job:
    """What is trained, on what, and by whom; every field survives JSON."""

    contender: str
    """`cauce`, `hand`, `trainer` (Seq2SeqTrainer for an encoder-decoder) or `sft`."""
    shape: str
    steps: int = 12
    batch_size: int = 4
    width: int = 256
    target_width: int = 128
    """Of encoder-decoders, whose `width` is the source's."""
    compile: bool = False
    uneven: int = 0
    """Documents of log-normal length, a third of the width; 0 is as many full rows as needed."""
    is_shuffled: bool = False
    """Whether cauce's batches are left unsorted by length."""
    model: str = ""
    """A folder to load the model from instead of building it."""
    counts_tokens: bool = False
    """Whether what the model reads is counted; not together with `compile`."""
    folder: str = ""
    """Where cauce leaves its log; a temporary one when empty."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of cauce beside those that all contenders share."""

    def to_json(self) -> str:
        """What the command line takes."""
        return json.dumps(asdict(self))


@dataclass
class Witness:
    """What is seen of a training from outside, whoever runs it."""

    cpu_s: list[float] = field(default_factory=list)
    """CPU seconds of this process where each update ended, once the accelerator was done."""
    wall_s: list[float] = field(default_factory=list)
    processes: int = 1
    """That took part in the updates."""
    tokens_embedded: int = 0
    """By this process, padding included."""

    def watch_steps(self) -> None:
        """Takes note of every optimizer step from now on."""
        from torch.optim.optimizer import register_optimizer_step_post_hook

        register_optimizer_step_post_hook(self._read_clocks)

    def watch_reading(self, loaded: LoadedModel) -> None:
        """Takes note of all that the model reads, which would disturb a compiled one."""
        reader = loaded.model.get_encoder() if loaded.is_encoder_decoder else loaded.model
        reader.get_input_embeddings().register_forward_pre_hook(self._count)

    def _read_clocks(self, *_: object) -> None:
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.cpu_s.append(time.process_time())
        self.wall_s.append(time.perf_counter())
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            self.processes = torch.distributed.get_world_size()

    def _count(self, _: object, inputs: tuple[Tensor, ...]) -> None:
        self.tokens_embedded += inputs[0].numel()


def run(job: Job) -> dict[str, Any]:
    """Trains, and returns the readings, the peaks and the tokens of all documents once."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    loaded = _model(job)
    items = documents(job)
    witness = Witness()
    witness.watch_steps()
    if job.counts_tokens:
        witness.watch_reading(loaded)
    with tempfile.TemporaryDirectory() as temporary:
        train = {"cauce": _cauce, "hand": _hand, "trainer": _trainer, "sft": _sft}[job.contender]
        train(job, loaded, items, Path(job.folder or temporary))
    has_cuda = torch.cuda.is_available()
    return {
        **asdict(witness),
        "peak_mb": peak_mb(),
        "device_peak_mb": torch.cuda.max_memory_allocated() / 2**20 if has_cuda else 0.0,
        "tokens": sum(item.length for item in items),
    }


def peak_mb() -> float:
    """Most memory that this process held; unlike `ru_maxrss`, without that of its parent."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def documents(job: Job) -> list[Tokens]:
    """The documents of the job."""
    if job.uneven:
        return shapes.uneven_documents(job.shape, job.uneven, width=job.width)
    count = job.steps * job.batch_size
    return shapes.full_documents(job.shape, count, width=job.width, target_width=job.target_width)


def _model(job: Job) -> LoadedModel:
    if job.model:
        from cauce.models.loading import load_folder

        return load_folder(Path(job.model), name=job.model)
    return shapes.build(job.shape, positions=job.width)


def _cauce(job: Job, loaded: LoadedModel, items: Sequence[Tokens], folder: Path) -> None:
    from cauce.training import order
    from cauce.training.loop import train
    from cauce.training.settings import TrainingSettings

    chosen = {
        **CONSTANT,
        "steps": job.steps,
        "batch_size": job.batch_size,
        "compile": job.compile,
        "monitor_every": 0,
        "checkpoint_every": job.steps,
        **job.settings,
    }
    settings = TrainingSettings.model_validate(chosen)
    pool = 1 if job.is_shuffled else order.POOL_BATCHES
    with mock.patch.object(order, "POOL_BATCHES", pool):
        train(loaded, items, [], settings, folder, seed=0, progress=_ignore)


def _hand(job: Job, loaded: LoadedModel, items: Sequence[Tokens], _: Path) -> None:
    """The least that trains: sdpa, bf16 autocast, fused AdamW, clipping."""
    import torch

    model: Any = torch.compile(loaded.model) if job.compile else loaded.model
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=CONSTANT["lr"], fused=True)
    for batch in _batches(job, loaded, items):
        with torch.autocast(loaded.device.type, dtype=torch.bfloat16):
            loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def _trainer(job: Job, loaded: LoadedModel, items: Sequence[Tokens], folder: Path) -> None:
    import transformers

    kind, arguments = transformers.Trainer, transformers.TrainingArguments
    if loaded.is_encoder_decoder:
        kind, arguments = transformers.Seq2SeqTrainer, transformers.Seq2SeqTrainingArguments
    kind(
        model=loaded.model,
        args=arguments(**_peer_arguments(job, folder)),
        train_dataset=_rows(loaded, items),
        data_collator=transformers.default_data_collator,
    ).train()


def _sft(job: Job, loaded: LoadedModel, items: Sequence[Tokens], folder: Path) -> None:
    """Without gradient checkpointing, which is its default and would only slow it down here."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        **_peer_arguments(job, folder),
        gradient_checkpointing=False,
        packing=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    SFTTrainer(
        model=loaded.model,
        args=arguments,
        train_dataset=Dataset.from_list(_rows(loaded, items)),
        processing_class=loaded.tokenizer,
    ).train()


def _peer_arguments(job: Job, folder: Path) -> dict[str, Any]:
    """The best that transformers' arguments offer: fused optimizer, nothing logged or saved."""
    import torch

    has_cuda = torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "max_steps": job.steps,
        "per_device_train_batch_size": job.batch_size,
        "learning_rate": CONSTANT["lr"],
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch_fused",
        "max_grad_norm": 1.0,
        "bf16": True,
        "use_cpu": not has_cuda,
        "dataloader_pin_memory": has_cuda,
        "torch_compile": job.compile,
        "logging_strategy": "no",
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def _rows(loaded: LoadedModel, items: Sequence[Tokens]) -> list[dict[str, list[int]]]:
    if loaded.is_encoder_decoder:
        return [{"input_ids": item.prompt, "labels": item.completion} for item in items]
    rows = [item.prompt + item.completion for item in items]
    return [{"input_ids": row, "labels": row} for row in rows]


def _batches(job: Job, loaded: LoadedModel, items: Sequence[Tokens]) -> Iterator[dict[str, Any]]:
    import torch

    rows = [{**row, "attention_mask": [1] * len(row["input_ids"])} for row in _rows(loaded, items)]
    fills = {"input_ids": loaded.pad_id, "labels": -100, "attention_mask": 0}
    names = fills if job.uneven else ("input_ids", "labels")
    for start in range(0, job.steps * job.batch_size, job.batch_size):
        first = start % len(rows)
        chosen = rows[first : first + job.batch_size]
        yield {
            name: torch.tensor(_padded([row[name] for row in chosen], fills[name])).to(
                loaded.device
            )
            for name in names
        }


def _padded(rows: Sequence[list[int]], fill: int) -> list[list[int]]:
    longest = max(map(len, rows))
    return [row + [fill] * (longest - len(row)) for row in rows]


def _ignore(_: str) -> None:
    """Progress is the log's."""


if __name__ == "__main__":
    print(json.dumps(run(Job(**json.loads(sys.argv[1])))))
