"""Lingma Proxy: the assistant you are logged in to, spoken to by the tools you love.

Where to start reading: `docs/tour.md`.
"""

__version__ = "0.1.0"
