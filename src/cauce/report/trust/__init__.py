"""Evidence of a run for whoever answers for the system: a page, its data, and a model card."""
