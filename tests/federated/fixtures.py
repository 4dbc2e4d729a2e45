"""Sites of one tiny model with texts of their own."""

from cauce.corpus.tokens import tokenize
from cauce.evaluation.privacy.attacks import canary
from cauce.federated.examples import SiteData
from cauce.federated.settings import FederatedSettings
from cauce.federated.site import Site
from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from cauce.records import Message
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_model

TRAINING = TrainingSettings(
    batch_size=2, lr=5e-3, monitor_every=0, compile=False, precision="fp32", weight_decay=0.0
)
WORDS = {
    "norte": ("dosis", "una", "vez"),
    "sur": ("guardar", "en", "seco"),
    "este": ("no", "con", "agua"),
}


def tokens_of(loaded, site, count, *, start=0):
    first, second, third = WORDS[site]
    return [
        tokenize(
            loaded.tokenizer,
            (Message(role="user", content=f"¿{first} {number}?"),),
            f"{second} {third} {number % 3}.",
            is_encoder_decoder=loaded.is_encoder_decoder,
            max_tokens=200,
        )
        for number in range(start, start + count)
    ]


def make_site(
    name,
    folder,
    settings,
    *,
    kind="gpt2",
    rank=4,
    alpha=8,
    examples=6,
    held_out=3,
    planted=(),
    adapter="lora",
    tell=None,
):
    loaded = attach(
        tiny_model(kind),
        ModelSettings(base="x", adapter=adapter, lora_rank=rank, lora_alpha=alpha),
        seed=0,
    )
    data = SiteData(
        tokens_of(loaded, name, examples),
        tokens_of(loaded, name, held_out, start=100),
        tokens_of(loaded, name, held_out, start=200),
        ["aspirin", *(held_out - 1) * ["ibuprofen"]],
        dict(enumerate(planted, examples)),
    )
    secrets = [canary(loaded, secret, candidates=0).planted for secret in planted]
    data.train.extend(secrets)
    return Site(
        name,
        loaded,
        data,
        (TRAINING, settings),
        folder / name,
        seed=1,
        progress=tell or (lambda line: None),
    )


def settings(**changes):
    chosen = {
        "rounds": 2, "steps": 2, "personal_steps": 2, "messages": "fp32", "weights": "uniform",
        "gate": "off",
        **changes,
    }  # fmt: skip
    return FederatedSettings.model_validate(chosen)
