"""Which medicine a text names."""
