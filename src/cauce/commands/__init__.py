"""The groups of verbs of the command line, one module each; imports stand inside the verbs."""
