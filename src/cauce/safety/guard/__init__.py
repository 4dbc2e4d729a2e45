"""What stands round the model: what is hidden in a text, who attacks, and what leaks."""
