"""The public APIs that we speak, one module each."""
