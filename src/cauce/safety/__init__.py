"""Texts that must be noticed: emergencies, attacks, harmful answers, personal data."""
