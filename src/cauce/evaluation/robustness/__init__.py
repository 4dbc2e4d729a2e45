"""Whether an answer stays the same: who asks, in which Spanish, and how badly it is typed."""
