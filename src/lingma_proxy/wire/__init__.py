"""Codecs without I/O: bytes in, values out, whatever the cut."""
