"""One page of a twin: allergies first, then bars, lines and marks, and everything in tables."""
