"""What somebody who has a tuned model can tell of the examples it learned from."""
