"""Evaluation and comparison against their bars: `python -m benchmarks.evaluation`."""
