"""What a record says of its person, statement by statement, each with the place it stands at."""
