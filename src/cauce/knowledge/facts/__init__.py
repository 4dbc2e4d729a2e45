"""What a section says that a patient must not lose."""
