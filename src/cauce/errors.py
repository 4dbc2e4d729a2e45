"""The errors cauce raises, each with what was found, what was needed and what to do.

CauceError
├── UserError              a mistake in what was asked; two lines, exit 2
│   ├── RecipeError        unknown key, impossible value, contradiction
│   ├── MissingExtra       an optional dependency is not installed
│   ├── NotFound           a run, model or file that does not exist
│   ├── TrainingRefused    training would teach nothing, or something false
│   ├── TemplateMismatch   the prompt served is not the prompt trained
│   └── ConsentRefused     a person's record was asked for what nobody consented to
│       └── ConsentExpired the consent to it has ended
├── DataRefused            input that cannot be trusted; file and place named, exit 3
│   ├── LeakageFound       the same substance or text stands in two splits
│   └── CheckpointCorrupt  no checkpoint of a run can be verified
├── SourceUnavailable      a live source did not answer after retries; exit 4
├── NotForgotten           something of a forgotten person is left; files named, exit 5
└── Interrupted            stopped on request, can be resumed; exit 75
"""

from __future__ import annotations


class CauceError(Exception):
    """Every error that cauce raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class UserError(CauceError):
    """What was asked cannot be done as asked."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe holds an unknown key, an impossible value or a contradiction."""


class MissingExtra(UserError):
    """An optional dependency is needed and is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs packages that are not installed.\n"
            f"Install them with: pip install 'cauce[{extra}]'"
        )


class NotFound(UserError):
    """A run, a model or a file that was named does not exist."""


class TrainingRefused(UserError):
    """Training was stopped before its first step because it could not have worked."""


class TemplateMismatch(UserError):
    """A model is served with another chat template than it was trained with."""


class ConsentRefused(UserError):
    """A person's record was asked for a purpose that nobody consented to."""


class ConsentExpired(ConsentRefused):
    """The consent to the use of a person's record has ended."""


class DataRefused(CauceError):
    """Input that cannot be trusted, with its file and place."""

    exit_code = 3


class LeakageFound(DataRefused):
    """The same substance or the same text stands in two splits."""


class CheckpointCorrupt(DataRefused):
    """No checkpoint of a run passes verification."""


class SourceUnavailable(CauceError):
    """A live source did not answer after every retry."""

    exit_code = 4


class NotForgotten(CauceError):
    """Something of a person who is to be forgotten is left; the message names the files."""

    exit_code = 5


class Interrupted(CauceError):
    """Work stopped on request; the message holds the command that continues it."""

    exit_code = 75
