"""Simulated patients: people with something in mind who talk to the real assistant."""
