"""The sites of a job reached through Flower: in a simulation, or at their own machines.

    link.py        the coordinator's SuperLink, in its own process, open to the job's sites alone
    node.py        the SuperNode of a site, whose model stays loaded from round to round
    simulation.py  all sites in Flower's simulation engine (Ray)
    sites.py       asking sites through a `Grid` of Flower; the same for both
    pace.py        how long a site may take
    payload.py     bytes in messages of Flower

Nothing else imports flwr. No code travels: runs have no FAB. A run of Flower lasts one round, and
what is left of it is thrown away with it; what lasts is in the job's own journals.
"""

from __future__ import annotations

import os

from cauce.errors import MissingExtra

# Read as flwr is imported: nobody is told, nothing is looked up, nothing is installed.
os.environ.update(
    FLWR_TELEMETRY_ENABLED="0",
    FLWR_DISABLE_UPDATE_CHECK="1",
    FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION="1",
    RAY_USAGE_STATS_ENABLED="0",
    # Ray on this machine alone talks over the loopback, and not over the address of its network.
    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",
)

try:
    import flwr  # noqa: F401
except ImportError as error:
    raise MissingExtra("cauce federated", "federated") from error

from cauce.federated.flower.link import flower_coordinator
from cauce.federated.flower.node import run_site
from cauce.federated.flower.simulation import simulated
from cauce.federated.flower.sites import FlowerSites

__all__ = ["FlowerSites", "flower_coordinator", "run_site", "simulated"]
