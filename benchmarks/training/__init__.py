"""The training engine against its peers and its promises: `python -m benchmarks.training`."""
