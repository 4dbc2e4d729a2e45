"""A run's documents as tools of the Model Context Protocol, for any client that speaks it.

outputs     what each tool tells, typed
medicines   a medicine by its name, its sections, two side by side
sections    one section, and whether it says what is claimed
articles    DOIs for a question, with the sentences that cite them
answers     whom to call, and the assistant itself
server      the tools together, over standard input and output

modelcontextprotocol.io, served by the official package `mcp`, the extra of that name. Importing
this package does not need it.
"""

from __future__ import annotations

from cauce.serving.mcp.server import create_server, serve_mcp

__all__ = ["create_server", "serve_mcp"]
