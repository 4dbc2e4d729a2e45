"""The section and the passage that answer a question."""
