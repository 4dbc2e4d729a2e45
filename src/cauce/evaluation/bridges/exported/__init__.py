"""The task files that an export to inspect-ai copies: they need inspect-ai and nothing of cauce."""
