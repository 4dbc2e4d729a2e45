"""What the person who asked gets: refused, helped safely, harmed or given nonsense."""
