"""Red teaming: attacks on what is served, and what the innocent are refused beside it."""
