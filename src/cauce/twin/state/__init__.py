"""The state of a person between readings: what it foretells, and how sure that may be."""

from __future__ import annotations

from cauce.twin.state.fitting import fit_twin
from cauce.twin.state.model import Forecast, TwinModel
from cauce.twin.state.settings import NetworkSettings, TwinSettings

__all__ = ["Forecast", "NetworkSettings", "TwinModel", "TwinSettings", "fit_twin"]
