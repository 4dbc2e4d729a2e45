"""One training over data that stays where it lives: pure functions, a coordinator and its sites."""
