"""Sentences that cite become questions whose answer is the works that they cite."""
