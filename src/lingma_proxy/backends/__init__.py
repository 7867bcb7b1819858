"""Whatever replies: the vendor over its remote API, or a script."""
