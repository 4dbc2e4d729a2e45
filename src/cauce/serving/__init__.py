"""The assistant over HTTP on this machine: an OpenAI-compatible API and a chat page."""
