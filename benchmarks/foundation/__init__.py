"""The from-scratch model and its parts against peers: `python -m benchmarks.foundation`."""
