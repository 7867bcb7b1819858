"""Pictures, looked at as bytes."""
