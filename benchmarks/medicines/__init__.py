"""Can the assistant on medicines be trusted? See `python -m benchmarks.medicines --help`."""
