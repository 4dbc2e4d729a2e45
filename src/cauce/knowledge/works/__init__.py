"""Known works with their DOIs, and which of them a reference means."""
