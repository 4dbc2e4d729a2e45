"""One self-contained page out of a run."""
