"""A person's record over time: events in, a liquid state of it, and what may be said of it."""
