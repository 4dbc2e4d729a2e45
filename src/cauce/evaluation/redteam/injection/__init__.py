"""Orders to the assistant that stand in the documents it answers from."""
