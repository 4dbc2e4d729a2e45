"""The app against its bars: `python -m benchmarks.serving`."""
