"""Known identifiers, such as DOIs, as a tree that a model's tokens are led through."""
