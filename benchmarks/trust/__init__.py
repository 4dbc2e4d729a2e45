"""Whether the assistant can be trusted, measured: `python -m benchmarks.trust`."""
