"""The vendor, for people without a login and for tests: its remote side on a real socket."""
