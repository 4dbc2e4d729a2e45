"""Registries of DOIs: what Crossref, OpenAlex and DataCite say of a work."""
