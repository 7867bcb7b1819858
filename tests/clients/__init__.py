"""Real clients, run against a base URL: `make clients`."""
