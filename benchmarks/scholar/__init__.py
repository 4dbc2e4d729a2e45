"""The research assistant and its parts against their bars: `python -m benchmarks.scholar`."""
