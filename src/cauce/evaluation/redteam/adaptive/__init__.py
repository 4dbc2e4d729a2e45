"""Attackers that go on from the answers: within a stated number of queries for each goal."""
