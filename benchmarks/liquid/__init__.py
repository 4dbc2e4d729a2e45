"""Liquid layers against ncps and inside language models: `python -m benchmarks.liquid`."""
