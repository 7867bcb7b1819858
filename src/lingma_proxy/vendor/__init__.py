"""The vendor's own protocols, without I/O: what is signed, sent, streamed and kept."""
