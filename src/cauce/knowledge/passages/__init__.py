"""Passages found by their words and their meaning: an index in a folder, or on OpenSearch."""
