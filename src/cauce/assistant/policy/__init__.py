"""What to do with a turn: answer it, ask back, show the source, or send to a professional."""
