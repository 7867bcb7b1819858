"""What we serve, described for machines: the document at `/openapi.json`."""

from lingma_proxy.server.openapi.document import Routes, document

__all__ = ["Routes", "document"]
