"""Training at many sites against bars of its own: `python -m benchmarks.federated`."""
