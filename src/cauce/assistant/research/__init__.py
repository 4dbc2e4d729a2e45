"""The research assistant: it answers with sentences that cite, and prints the works they cite."""
