"""The assistant with a person's record in mind: what labels say of what the record holds."""
