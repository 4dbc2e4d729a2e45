"""The recurrences of liquid cells as functions with hand-written gradients, on three backends."""
