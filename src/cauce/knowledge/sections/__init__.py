"""The sections that may be cited, in SQLite or OpenSearch."""
