"""The twin against its bars: `python -m benchmarks.twin`."""
