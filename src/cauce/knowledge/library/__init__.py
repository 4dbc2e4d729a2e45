"""What a research assistant rests on: sentences that cite, and the works that they cite."""
