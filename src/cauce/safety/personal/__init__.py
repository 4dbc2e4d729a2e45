"""Personal data in texts, found and masked: what is logged and trained on names nobody."""
