"""Models are loaded, adapted, saved and asked to write."""
