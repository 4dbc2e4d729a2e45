"""Scores with intervals, logs of answers, and paired comparisons of systems."""
