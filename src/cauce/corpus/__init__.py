"""Documents become examples, examples become tokens."""
