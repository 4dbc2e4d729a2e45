"""The assistant: what is evaluated and attacked is what is served."""
