"""What the assistant may rest on: sections, names and the checks a claim must pass."""
